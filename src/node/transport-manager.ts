import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** What is needed of libp2p's transport manager. Its own type lies in a package that nothing else here needs. */
export interface TransportManager {
  listen(addresses: Multiaddr[]): Promise<void>
  /** Of the sockets that are open. */
  getAddrs(): Multiaddr[]
  dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection>
}
