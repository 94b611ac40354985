import { createHash } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { MeshError } from '../mesh/errors.ts'
import { type ControlClient, controlClient } from './client.ts'
import { type Channel, Rpc, type RpcHandler } from './rpc.ts'

/** Longest line: a text of 32 KiB with every character escaped, six times its size, and the rest of its call. */
const LINE_MAX_CHARS = 512 * 1024

/** sun_path holds 108 bytes on Linux and 104 on macOS, one of them the final zero. */
const SOCKET_PATH_MAX_BYTES = 103

/** Commands that may ask at once; each costs a descriptor of the gateway. */
const CLIENTS_MAX = 64

/** A client has this long to take its last answer; one that does not read must not hold the engine's stop. */
const GOODBYE_MAX_MS = 500

/**
 * Where the control socket of a state directory lies: in the directory itself, or under a hashed name in a private directory of the system's
 * temporary directory where that path is too long, or a named pipe on Windows.
 */
export function controlSocketPath(stateDir: string, platform: NodeJS.Platform = process.platform): string {
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 16)
  if (platform === 'win32') return `\\\\.\\pipe\\libp2p-mesh-${name}`
  const path = join(stateDir, 'libp2p', 'control.sock')
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX_BYTES) return path
  return join(tmpdir(), `libp2p-mesh-${userInfo().uid}`, `${name}.sock`)
}

export interface ControlServer {
  close(): Promise<void>
}

/** Serves the handlers on a socket path that nobody else holds; the caller has made its directory private. */
export async function listenControl(path: string, handlers: Record<string, RpcHandler>): Promise<ControlServer> {
  const clients = new Map<Socket, Rpc>()
  const server = createServer(socket => {
    if (clients.size >= CLIENTS_MAX) return void socket.destroy()
    const rpc = new Rpc({ channel: lineChannel(socket) }, { handlers })
    clients.set(socket, rpc)
    socket.once('close', () => clients.delete(socket))
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, resolve)
  await promise
  return {
    async close() {
      for (const rpc of clients.values()) rpc.close()
      const timer = setTimeout(() => {
        for (const socket of clients.keys()) socket.destroy()
      }, GOODBYE_MAX_MS)
      await new Promise<void>(done => server.close(() => done()))
      clearTimeout(timer)
    }
  }
}

/** Connects to the mesh that serves this state directory; MeshError `not_running` when there is none. */
export async function connectControl(stateDir: string): Promise<ControlClient> {
  const socket = connect(controlSocketPath(stateDir))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('connect', resolve)
  socket.once('error', reject)
  try {
    await promise
  } catch (cause) {
    throw new MeshError('not_running', { detail: stateDir, cause })
  }
  return controlClient(new Rpc({ channel: lineChannel(socket) }, { closedCode: 'not_running' }))
}

/** One JSON document a line. A line that is too long or no JSON ends the connection. */
function lineChannel(socket: Socket): Channel {
  let pending = ''
  let listener: (message: unknown) => void = () => undefined
  socket.setEncoding('utf8')
  // The end of a connection is told by 'close'; its error says nothing more.
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: string) => {
    pending += chunk
    let end = pending.indexOf('\n')
    while (end >= 0) {
      const line = pending.slice(0, end)
      pending = pending.slice(end + 1)
      const message = parseLine(line)
      if (message === undefined) return void socket.destroy()
      listener(message)
      end = pending.indexOf('\n')
    }
    if (pending.length > LINE_MAX_CHARS) socket.destroy()
  })
  return {
    post: message => void (socket.writable && socket.write(`${JSON.stringify(message)}\n`)),
    onMessage: next => {
      listener = next
    },
    onClose: closed => void socket.once('close', closed),
    close: () => void socket.end()
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
