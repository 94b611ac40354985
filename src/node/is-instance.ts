import type { PeerId } from '@libp2p/interface'

/**
 * Can this peer be an instance? Instances have an Ed25519 key, which their id is made of. Peers with another key are other programs that speak
 * libp2p: the mesh never hears of them, as it could not name them.
 */
export function isInstance(peer: PeerId): boolean {
  return peer.type === 'Ed25519'
}
