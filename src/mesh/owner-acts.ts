import { ProtocolError, parseLabel } from '../protocol/index.ts'
import { MeshError } from './errors.ts'
import type { TrustLevel } from './ports.ts'
import type { Report } from './report.ts'
import type { TrustResult } from './requests.ts'
import { resolveTarget } from './resolve.ts'
import type { RouteTable } from './route-table.ts'
import { instanceOf, type Trust } from './trust.ts'

export interface OwnerActsComponents {
  trust: Trust
  routes: RouteTable
  report: Report
}

/** What only the owner may do: say who is let in, how far, and under which name. */
export class OwnerActs {
  readonly #components: OwnerActsComponents
  readonly #self: { instance: string; peer: string }

  constructor(components: OwnerActsComponents, init: { self: { instance: string; peer: string } }) {
    this.#components = components
    this.#self = init.self
  }

  /**
   * Lets an instance in, one never met too. Who is trusted already stays so. A stranger is let in by its id only: its label is its own choice, and
   * could be a friend's.
   *
   * @throws {MeshError} `unknown_target`, `ambiguous_target`, `self_target`, `bad_request` for a name that is no label
   */
  approve(who: string, name?: string): TrustResult {
    const subject = this.#certain(who)
    const level = this.#components.trust.levelOf(subject.instance) === 'trusted' ? 'trusted' : 'paired'
    return this.#set(subject, level, name === undefined ? undefined : petnameOf(name))
  }

  /** @throws {MeshError} `unknown_target`, `ambiguous_target`, `self_target` */
  trust(who: string, level: 'blocked' | 'paired' | 'trusted'): TrustResult {
    return this.#set(level === 'blocked' ? this.#subjectOf(who) : this.#certain(who), level)
  }

  /** Whom the words name beyond doubt: by key, or as somebody on whom the owner has decided before. */
  #certain(who: string): { instance: string; peer?: string } {
    const subject = this.#subjectOf(who)
    if (instanceOf(who) !== undefined || this.#components.trust.levelOf(subject.instance) !== 'unknown') return subject
    throw new MeshError('ambiguous_target', {
      peer: who,
      candidates: [this.#components.report.peer(subject.instance).instanceId]
    })
  }

  #set(subject: { instance: string; peer?: string }, level: TrustLevel, petname?: string): TrustResult {
    const { trust, report } = this.#components
    const { instance, peer } = subject
    const before = trust.levelOf(instance)
    trust.set(instance, {
      level,
      how: 'command',
      ...(peer !== undefined && { peer }),
      ...(petname !== undefined && { petname })
    })
    const now = report.peer(instance)
    // The connection of who has just been shut out is closing, and no longer one to speak over.
    const connected = now.path !== null && trust.admitted(instance)
    return { instanceId: now.instanceId, peerId: now.peerId, trust: now.trust, before, connected }
  }

  /** Somebody known, or an instance id or peer id that was never met. */
  #subjectOf(who: string): { instance: string; peer?: string } {
    const { trust, routes } = this.#components
    try {
      const { instance, peer } = resolveTarget(who, { trust, routes, self: this.#self })
      return { instance, peer }
    } catch (error) {
      if (!(error instanceof MeshError) || error.code !== 'unknown_target') throw error
      // By the text itself, or by the petname of somebody approved whose key has not been seen yet.
      const named = instanceOf(who) ?? instanceOf(error.details.peer ?? '')
      if (named === undefined) throw error
      return named
    }
  }
}

function petnameOf(name: string): string {
  try {
    return parseLabel(name)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new MeshError('bad_request', { detail: `name: ${error.message}`, cause: error })
  }
}
