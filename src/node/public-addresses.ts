import type { IdentifyComponents } from '@libp2p/identify'
import { placeOf } from './reach.ts'

/**
 * What identify gets to see of this node: its global addresses and names. Identify answers everybody who connects, in one way for all, so what it says
 * must be fit for everybody. Where this machine is in its own network is said by mDNS inside that network, by route records to admitted peers there, and
 * by the owner's tickets (S-29).
 */
export function withPublicAddresses(components: IdentifyComponents): IdentifyComponents {
  const { peerId, privateKey, peerStore, registrar, addressManager: all, events, logger, nodeInfo } = components
  const addressManager: typeof all = Object.create(all, {
    getAddresses: { value: () => all.getAddresses().filter(address => isPublic(address.toString())) }
  })
  return { peerId, privateKey, peerStore, registrar, addressManager, events, logger, nodeInfo }
}

/** Whether the address means the same in every network. */
export function isPublic(address: string): boolean {
  const reach = placeOf(address)?.reach
  return reach === 'global' || reach === 'name'
}
