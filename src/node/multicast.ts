import { createSocket } from 'node:dgram'

/** Where mDNS lives (RFC 6762). */
const MDNS_ADDRESS = '224.0.0.251'
const MDNS_PORT = 5353

/**
 * Why multicast cannot work on this host, as an error code, or undefined when there is a route for it.
 *
 * Connecting a UDP socket asks the routing table and sends nothing. Without it a missing route shows nowhere: mDNS just finds nobody.
 */
export async function multicastTrouble(): Promise<string | undefined> {
  const socket = createSocket('udp4')
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  // Given a callback, connect() hands the error to it alone.
  socket.on('connect', () => resolve(undefined))
  socket.connect(MDNS_PORT, MDNS_ADDRESS)
  try {
    return await promise
  } finally {
    socket.close()
  }
}
