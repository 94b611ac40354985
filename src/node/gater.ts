import type { ConnectionGater, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface GaterInit {
  /** Blocked by the owner: no connection either way. */
  denied?: (peer: string) => boolean
  /** Where this node listens, as multiaddrs with or without /p2p/. */
  ownAddresses(): string[]
}

/**
 * Which connections may be made at all.
 *
 * Our own ip:port is never dialled, whoever claims to be there: it is a stale address, or somebody who wants us to talk to ourselves (S-16).
 */
export function createGater(init: GaterInit): ConnectionGater {
  const denied = (peer: PeerId): boolean => init.denied?.(peer.toString()) === true
  return {
    denyDialPeer: denied,
    denyDialMultiaddr: (address: Multiaddr) => {
      const target = socketOf(address.toString())
      return target !== undefined && init.ownAddresses().some(own => socketOf(own) === target)
    },
    denyInboundEncryptedConnection: denied,
    denyOutboundEncryptedConnection: denied
  }
}

/** The part of a straight address that a socket connects to; a relayed one belongs to the relay. */
function socketOf(address: string): string | undefined {
  if (address.includes('/p2p-circuit')) return undefined
  return /^\/(?:ip[46]|dns[46a-z]*)\/[^/]+\/(?:tcp|udp)\/\d+/.exec(address)?.[0]
}
