import { type Fingerprint, formatInstanceId, safe, shortFingerprint, skeletonOf } from '../protocol/index.ts'
import type { Sender } from './ports.ts'
import type { RouteTable } from './route-table.ts'
import type { Trust } from './trust.ts'

interface Known {
  trust: Trust
  routes: RouteTable
}

/** `name (abcd-efgh)`, safe to show: a name never stands without its fingerprint. */
export function namedOf(instance: Fingerprint, known: Known): string {
  const name = plainNameOf(instance, known)
  if (name === '') return instance
  const mark = looksLikeAnother(instance, known) ? ', looks like another' : ''
  return `${safe(name)} (${shortFingerprint(instance)}${mark})`
}

/**
 * How an instance is called here: the owner's petname, else the label that it gives itself, else its fingerprint. A label that could be taken for the name
 * of somebody whom the owner let in stands with its fingerprint wherever it is shown (S-28).
 */
export function senderOf(instance: Fingerprint, peer: string, known: Known): Sender {
  const label = known.routes.byInstance(instance)?.label ?? ''
  const name = plainNameOf(instance, known)
  const marked = looksLikeAnother(instance, known) ? `${safe(name)} (${shortFingerprint(instance)})` : safe(name)
  return { instance, instanceId: formatInstanceId(label, instance), peer, name: name === '' ? instance : marked }
}

function plainNameOf(instance: Fingerprint, { trust, routes }: Known): string {
  return trust.petnameOf(instance) ?? routes.byInstance(instance)?.label ?? ''
}

/** A petname is the owner's own choice, a label is somebody else's. */
function looksLikeAnother(instance: Fingerprint, { trust, routes }: Known): boolean {
  const label = routes.byInstance(instance)?.label ?? ''
  if (label === '' || trust.petnameOf(instance) !== undefined) return false
  const skeleton = skeletonOf(label)
  return [...trust.petnamedLike(skeleton), ...routes.labelledLike(skeleton)].some(other => other !== instance)
}
