import {
  type Fingerprint,
  fingerprintOf,
  fingerprintOfPeer,
  ProtocolError,
  parseInstanceId,
  publicKeyOf,
  safe,
  skeletonOf
} from '../protocol/index.ts'
import { MeshError } from './errors.ts'
import { guarded } from './guard.ts'
import type { Clock, Log, Store, TrustLevel, TrustRecord } from './ports.ts'

/** The owner's settings that decide about instances without a record. */
export interface TrustPolicy {
  dmPolicy: 'pairing' | 'allowlist' | 'open' | 'disabled'
  /** Instance ids, fingerprints, peer ids, or `*`, which counts with `open` only. */
  allowFrom: string[]
}

export interface TrustChange {
  level: TrustLevel
  /** Whose key proves the instance. Added to those known already. */
  peer?: string
  petname?: string
  how: TrustRecord['how']
  /** The owner answers a request that came after whatever was decided before: as good as a command, even after a tombstone. */
  asked?: boolean
}

/** No instance: the policy changed, everybody may stand differently now. */
export type TrustListener = (instance?: Fingerprint) => void

/** Compare-and-set loses only to another writer of this process: a second loss in a row is a fault, and the third try says so. */
const SET_TRIES = 3

/** Route table, presence, links and a few to come. More is a listener that nobody takes away. */
const LISTENERS_MAX = 16

/** Words that somebody else may have written, or that may come from a backup: none of them lifts a tombstone. */
const OTHERS: ReadonlySet<TrustRecord['how']> = new Set(['settings', 'host'])

/** Entries of `allowFrom` that are named in the issues one by one. */
const WRONG_MAX = 8

/** When an instance was forgotten last, wall clock. It outlives the tombstone: one for each that the owner ever forgot. */
const FORGOTTEN_KEY = 'forgotten'

/** Rotation keeps a handful of keys per instance. */
const PEERS_PER_INSTANCE_MAX = 8

/**
 * Who may speak to this instance, and how far. One record per instance; precedence, first match wins: a block or tombstone, the policy
 * `disabled`, the own record, `allowFrom`, the policy `open` with `*`. Everybody else is unknown.
 */
export class Trust {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log
  readonly #listeners = new Set<TrustListener>()
  #policy: TrustPolicy
  /** Who has a petname, by its skeleton; made anew after a change. As many as the owner named. */
  #petnames: Map<string, Fingerprint[]> | undefined
  /** What to say once the transaction that is under way is committed. Bounded by what one transaction changes. */
  #unsaid: Array<() => void> | undefined
  /** Instances that `allowFrom` names, with the peer id where it gave one. Bounded by the settings. */
  #allowed: Map<Fingerprint, string | undefined>

  constructor(components: { store: Store; clock: Clock; log: Log }, init: TrustPolicy) {
    this.#store = components.store
    this.#clock = components.clock
    this.#log = components.log
    this.#policy = init
    this.#allowed = this.#parse(init.allowFrom)
  }

  levelOf(instance: Fingerprint): TrustLevel {
    const record = this.#store.trust.get(instance)
    if (record?.level === 'blocked') return 'blocked'
    if (record?.tombstone === true || this.#policy.dmPolicy === 'disabled') return 'unknown'
    if (record !== undefined) return record.level
    if (this.#allowed.has(instance)) return 'paired'
    return this.#policy.dmPolicy === 'open' && this.#policy.allowFrom.includes('*') ? 'paired' : 'unknown'
  }

  /** Nobody is let in at all. */
  get closed(): boolean {
    return this.#policy.dmPolicy === 'disabled'
  }

  /** @throws {MeshError} `bad_request` where nobody is let in at all */
  demandOpen(): void {
    if (this.closed) throw new MeshError('bad_request', { detail: 'dmPolicy is disabled, so nobody can be let in' })
  }

  /** Whether strangers may ask to be let in. */
  get takesRequests(): boolean {
    return this.#policy.dmPolicy === 'pairing'
  }

  admitted(instance: Fingerprint): boolean {
    const level = this.levelOf(instance)
    return level === 'paired' || level === 'trusted'
  }

  /** The level in the owner's own record, whatever the settings say beside it; `unknown` where there is none. */
  recordedLevelOf(instance: Fingerprint): TrustLevel {
    const record = this.#store.trust.get(instance)
    return record === undefined || record.tombstone ? 'unknown' : record.level
  }

  /** Changes with everything that the owner decides about this instance, so that who waited sees whether it did. */
  revisionOf(instance: Fingerprint): number {
    return this.#store.trust.get(instance)?.revision ?? 0
  }

  /** Whether the owner named this instance, in a record or in `allowFrom`. */
  names(instance: Fingerprint): boolean {
    const record = this.#store.trust.get(instance)
    return record === undefined ? this.#allowed.has(instance) : !record.tombstone
  }

  /** What the owner's settings say in vain. */
  issues(): string[] {
    const { dmPolicy, allowFrom } = this.#policy
    const nobody = allowFrom.filter(entry => entry !== '*' && instanceOf(entry) === undefined).slice(0, WRONG_MAX)
    return [
      ...(dmPolicy !== 'open' && allowFrom.includes('*')
        ? [`allowFrom has "*", which lets nobody in while dmPolicy is "${dmPolicy}".`]
        : []),
      ...nobody.map(
        entry => `allowFrom has "${safe(entry)}", which names nobody here: is a letter wrong, or a group empty?`
      )
    ]
  }

  petnameOf(instance: Fingerprint): string | undefined {
    return this.#store.trust.get(instance)?.petname
  }

  /** Whose petname this could be taken for. */
  petnamedLike(skeleton: string): Fingerprint[] {
    if (this.#petnames === undefined) {
      this.#petnames = new Map()
      for (const { instance, petname, tombstone } of this.all()) {
        if (petname === undefined || tombstone) continue
        const key = skeletonOf(petname)
        this.#petnames.set(key, [...(this.#petnames.get(key) ?? []), instance])
      }
    }
    return this.#petnames.get(skeleton) ?? []
  }

  /** A peer id whose key proves this instance, as far as the owner's words give one. */
  peerOf(instance: Fingerprint): string | undefined {
    return this.#store.trust.get(instance)?.peers[0] ?? this.#allowed.get(instance)
  }

  all(): TrustRecord[] {
    return this.#store.trust.all()
  }

  /**
   * Runs the work in one transaction of the store. What it changes here is told to nobody before all of it is kept, and not at all where it is taken
   * back.
   */
  transaction<T>(work: () => T): T {
    if (this.#unsaid !== undefined) return this.#store.transaction(work)
    const unsaid: Array<() => void> = []
    this.#unsaid = unsaid
    let result: T
    try {
      result = this.#store.transaction(work)
    } finally {
      this.#unsaid = undefined
      this.#petnames = undefined
    }
    for (const say of unsaid) say()
    return result
  }

  /**
   * Writes what the owner decided. A tombstone gives way to the owner's own word only, never to settings or to the host's list.
   *
   * @throws {MeshError} `bad_request` when the peer's key is not this instance's, `store_failed` when others keep writing the record.
   */
  set(instance: Fingerprint, change: TrustChange): TrustRecord {
    if (change.peer !== undefined && fingerprintOf(publicKeyOf(change.peer)) !== instance) {
      throw new MeshError('bad_request', { detail: 'the peer id does not own this instance', peer: instance })
    }
    for (let tries = 0; tries < SET_TRIES; tries++) {
      const before = this.#store.trust.get(instance)
      if (before?.tombstone === true && change.asked !== true && OTHERS.has(change.how)) return before
      const stored = this.#store.trust.put(this.#next(instance, before, change))
      if (stored === undefined) continue
      this.#say(instance, { before: before?.level ?? 'unknown', level: stored.level, how: stored.how })
      return stored
    }
    throw keepsChanging(instance)
  }

  /** Gives a name to an instance that has a record, and changes nothing else of it. False where it has none. */
  rename(instance: Fingerprint, petname: string): boolean {
    for (let tries = 0; tries < SET_TRIES; tries++) {
      const before = this.#store.trust.get(instance)
      if (before === undefined || before.tombstone) return false
      if (this.#store.trust.put({ ...before, petname }) === undefined) continue
      this.#petnames = undefined
      return true
    }
    throw keepsChanging(instance)
  }

  /**
   * Forgets an instance: no name, no level, no key; only that nothing of before counts any more. An old record, a backup, an introduction or the
   * host's list cannot bring it back, the owner's own word can. False where there was nothing to forget; it counts from now on all the same.
   */
  forget(instance: Fingerprint): boolean {
    const { trust, tickets } = this.#store
    const nowMs = this.#clock.wallMs()
    // Not before any invitation that is out, though the clock may have been set back since: none of them is meant for who is forgotten now.
    const sinceMs = Math.max(nowMs, ...tickets.all().map(({ createdMs }) => createdMs))
    for (let tries = 0; tries < SET_TRIES; tries++) {
      const before = trust.get(instance)
      const known = before?.tombstone !== true || before.level !== 'unknown'
      const stored = this.#store.transaction(() => {
        this.#store.setValue(`${FORGOTTEN_KEY} ${instance}`, String(nowMs))
        return trust.put({
          instance,
          peers: [],
          level: 'unknown',
          sinceMs,
          how: 'command',
          revision: before?.revision ?? 0,
          tombstone: true
        })
      })
      if (stored === undefined) continue
      this.#say(instance, { before: before?.level ?? 'unknown', level: 'forgotten' })
      return known
    }
    throw keepsChanging(instance)
  }

  /** When it was forgotten last, wall clock, however it stands now: what it said before is nobody's any more. 0 for never. */
  forgottenMs(instance: Fingerprint): number {
    return Number(this.#store.value(`${FORGOTTEN_KEY} ${instance}`) ?? '0')
  }

  /** New settings, in force at once. */
  update(policy: TrustPolicy): void {
    this.#allowed = this.#parse(policy.allowFrom)
    this.#policy = policy
    this.#tell()
  }

  /** Called after each change. Returns what takes the listener away again. */
  onChange(listener: TrustListener): () => void {
    if (this.#listeners.size >= LISTENERS_MAX) throw new MeshError('internal', { detail: 'too many trust listeners' })
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #next(instance: Fingerprint, before: TrustRecord | undefined, change: TrustChange): TrustRecord {
    const peers = [...new Set([...(change.peer === undefined ? [] : [change.peer]), ...(before?.peers ?? [])])]
    const petname = change.petname ?? before?.petname
    const same = before?.level === change.level && !before.tombstone
    return {
      instance,
      peers: peers.slice(0, PEERS_PER_INSTANCE_MAX),
      level: change.level,
      ...(petname !== undefined && { petname }),
      sinceMs: same ? before.sinceMs : this.#clock.wallMs(),
      how: change.how,
      revision: before?.revision ?? 0,
      tombstone: false
    }
  }

  #parse(allowFrom: string[]): Map<Fingerprint, string | undefined> {
    const allowed = new Map<Fingerprint, string | undefined>()
    for (const entry of allowFrom) {
      const found = entry === '*' ? undefined : instanceOf(entry)
      if (found !== undefined) allowed.set(found.instance, found.peer ?? allowed.get(found.instance))
    }
    return allowed
  }

  #say(instance: Fingerprint, change: { before: string; level: string; how?: string }): void {
    this.#petnames = undefined
    const say = (): void => {
      this.#log.info('Trust changed.', { instance, ...change })
      this.#tell(instance)
    }
    if (this.#unsaid === undefined) say()
    else this.#unsaid.push(say)
  }

  #tell(instance?: Fingerprint): void {
    this.#petnames = undefined
    for (const listener of this.#listeners) guarded(this.#log, 'A trust listener', () => listener(instance))
  }
}

function keepsChanging(instance: Fingerprint): MeshError {
  return new MeshError('store_failed', { retryable: true, detail: 'the trust record keeps changing', peer: instance })
}

/** Reads a peer id or an instance id; undefined where the text is neither. */
export function instanceOf(text: string): { instance: Fingerprint; peer?: string } | undefined {
  const peer = text.trim()
  const owner = fingerprintOfPeer(peer)
  if (owner !== undefined) return { instance: owner, peer }
  try {
    return { instance: parseInstanceId(text).fingerprint }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
