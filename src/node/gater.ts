import type { ConnectionGater, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Gate } from './gate.ts'

export interface GaterInit {
  /** Blocked by the owner: no connection either way. */
  denied?: (peer: string) => boolean
  /** Our own peer id, whose addresses libp2p keeps beside those of others. */
  self: string
}

/** Which connections may be made at all, and which addresses libp2p may remember: the gate's word, wherever libp2p asks for one. */
export function createGater({ gate }: { gate: Gate }, init: GaterInit): ConnectionGater {
  const denied = (peer: PeerId): boolean => init.denied?.(peer.toString()) === true
  return {
    denyDialPeer: denied,
    denyDialMultiaddr: (address: Multiaddr) => !gate.passes(address.toString()),
    denyInboundEncryptedConnection: denied,
    denyOutboundEncryptedConnection: denied,
    filterMultiaddrForPeer: (peer: PeerId, address: Multiaddr) =>
      peer.toString() === init.self || gate.passes(address.toString())
  }
}
