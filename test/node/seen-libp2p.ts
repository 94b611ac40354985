import { channel } from 'node:diagnostics_channel'
import type { Libp2p } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

/** Published with the options of each libp2p node before it is made, which a subscriber may change. */
export const LIBP2P_OPTIONS = 'test:libp2p:options'

/** Published with each libp2p node that was made. */
export const LIBP2P_NODE = 'test:libp2p:node'

type Create = (options: Libp2pOptions) => Promise<Libp2p>

/**
 * `createLibp2p` for tests that look past our own gauges, at the connections and streams that libp2p itself has: the same node, and its creation is
 * told.
 */
export function seen(create: Create): Create {
  return async options => {
    channel(LIBP2P_OPTIONS).publish(options)
    const node = await create(options)
    channel(LIBP2P_NODE).publish(node)
    return node
  }
}
