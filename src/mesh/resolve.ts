import { type Fingerprint, safe, skeletonOf } from '../protocol/index.ts'
import { MeshError } from './errors.ts'
import type { RouteEntry, Sender, TrustLevel } from './ports.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import { instanceOf, type Trust } from './trust.ts'

/** Whom a text names, and how far that instance is trusted. Whether it may be sent to is the caller's question. */
export interface Target extends Sender {
  trust: TrustLevel
}

export interface ResolveComponents {
  trust: Trust
  routes: RouteTable
  self: { instance: Fingerprint; peer: string }
}

/** Shortest prefix of a fingerprint that counts, without dashes: what a screen shows beside a name. 40 bits. */
const PREFIX_MIN_CHARS = 8

const PREFIX = new RegExp(`^[a-z2-7]{${PREFIX_MIN_CHARS},24}$`)

/**
 * Finds the one instance that a text names: a peer id, an instance id, a fingerprint, our petname for it, its label, or the first 8
 * characters or more of its fingerprint. What proves itself is taken first, then the owner's petnames, then what others chose: a label that
 * fits several instances, or one instance's fingerprint and another's label, is ambiguous, never a guess (S-28).
 *
 * @throws {MeshError} `unknown_target`, `ambiguous_target` with the instance ids as candidates, `self_target`
 */
export function resolveTarget(text: string, components: ResolveComponents): Target {
  const { trust, routes, self } = components
  const named = instanceOf(text)
  if (named !== undefined && isKnown(named.instance, components))
    return targetOf(named.instance, components, named.peer)
  const wanted = folded(text)
  const matches = matching(wanted, components)
  const [instance] = matches
  if (instance === undefined) throw unknown(text, named !== undefined)
  if (matches.size > 1) {
    const candidates = [...matches].map(match => senderOf(match, '', { trust, routes }).instanceId).toSorted()
    throw new MeshError('ambiguous_target', { detail: safe(text), candidates })
  }
  if (instance === self.instance) throw new MeshError('self_target')
  return targetOf(instance, components)
}

/**
 * The same for whom something is to be sent to.
 *
 * @throws {MeshError} `not_trusted`, `blocked` too
 */
export function admittedTarget(text: string, components: ResolveComponents): Target {
  const target = resolveTarget(text, components)
  if (target.trust === 'blocked') throw new MeshError('blocked', { peer: target.instanceId })
  if (target.trust === 'unknown') throw new MeshError('not_trusted', { peer: target.instanceId })
  return target
}

function targetOf(instance: Fingerprint, { trust, routes, self }: ResolveComponents, peer?: string): Target {
  if (instance === self.instance) throw new MeshError('self_target')
  const reached = peer ?? routes.byInstance(instance)?.peer ?? trust.peerOf(instance)
  if (reached === undefined) throw unknown(senderOf(instance, '', { trust, routes }).instanceId, true)
  return { ...senderOf(instance, reached, { trust, routes }), trust: trust.levelOf(instance) }
}

function isKnown(instance: Fingerprint, { trust, routes, self }: ResolveComponents): boolean {
  return instance === self.instance || routes.byInstance(instance) !== undefined || trust.names(instance)
}

function matching(wanted: string, { trust, routes, self }: ResolveComponents): Set<Fingerprint> {
  if (wanted === '') return new Set()
  const records = trust.all().filter(record => !record.tombstone)
  const petnamed = records.filter(record => record.petname !== undefined && folded(record.petname) === wanted)
  if (petnamed.length > 0) return new Set(petnamed.map(record => record.instance))
  const entries = routes.entries()
  const labelled = labelledLike(wanted, entries)
  const prefix = wanted.slice(wanted.lastIndexOf('@') + 1).replaceAll(/[\s-]/g, '')
  const everybody = [self.instance, ...records.map(record => record.instance), ...entries.map(entry => entry.instance)]
  const begun = PREFIX.test(prefix) ? everybody.filter(one => one.replaceAll('-', '').startsWith(prefix)) : []
  return new Set([...labelled, ...begun])
}

/** Who has this label, and if anybody has, who has one that could be taken for it: a person who reads them knows no difference. */
function labelledLike(wanted: string, entries: RouteEntry[]): Fingerprint[] {
  if (!entries.some(entry => folded(entry.label) === wanted)) return []
  const skeleton = skeletonOf(wanted)
  return entries
    .filter(entry => entry.label !== '' && skeletonOf(entry.label) === skeleton)
    .map(entry => entry.instance)
}

/** How names are compared. */
export function folded(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase()
}

function unknown(text: string, neverMet: boolean): MeshError {
  return new MeshError('unknown_target', { peer: safe(text), ...(neverMet && { detail: 'never met' }) })
}
