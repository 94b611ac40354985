import { type Fingerprint, formatInstanceId, safe } from '../protocol/index.ts'
import type { Sender } from './ports.ts'
import type { RouteTable } from './route-table.ts'
import type { Trust } from './trust.ts'

/** How an instance is called here: the owner's petname, else the label that it gives itself, else its fingerprint. */
export function senderOf(
  instance: Fingerprint,
  peer: string,
  { trust, routes }: { trust: Trust; routes: RouteTable }
): Sender {
  const label = routes.byInstance(instance)?.label ?? ''
  const name = trust.petnameOf(instance) ?? label
  return { instance, instanceId: formatInstanceId(label, instance), peer, name: name === '' ? instance : safe(name) }
}
