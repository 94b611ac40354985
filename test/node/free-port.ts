import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** A UDP port that nobody has on loopback, for a multicast group of the test's own. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>(resolve => socket.close(resolve))
  return port
}
