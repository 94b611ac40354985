import { createServer } from 'node:net'

/**
 * Asks the kernel for `count` TCP ports on 127.0.0.1 that are free now. All are held open together before any is
 * released, so one call never returns the same port twice.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen))
  const ports = servers.map(({ port }) => port)
  await Promise.all(servers.map(({ close }) => close()))
  return ports
}

async function listen(): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the probe socket has no port')
  return {
    port: address.port,
    close: () => new Promise(resolve => server.close(() => resolve()))
  }
}
