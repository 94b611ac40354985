import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'

/**
 * One end of a TCP connection, to see what a router does with it: `listen PORT`, or `dial OWN-PORT HOST PORT MILLISECONDS`. Whoever has a connection says
 * from where it comes, here and to the other side. `map PORT GATEWAY` asks a router to open a port, by NAT-PMP (RFC 6886).
 */
const NAT_PMP_PORT = 5_351
const MAP_TCP = 2
const LIFETIME_S = 600

const [what = '', ...args] = process.argv.slice(2)
const say = (event: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(event)}\n`)

if (what === 'listen') listen(Number(args[0]))
else if (what === 'map') map(Number(args[0]), args[1] ?? '')
else dial(Number(args[0]), args[1] ?? '', Number(args[2]), Number(args[3]))

function listen(port: number): void {
  const server = createServer(socket => {
    const from = `${socket.remoteAddress}:${socket.remotePort}`
    say({ event: 'connection', from })
    socket.on('error', error => say({ event: 'broken', from, reason: error.message }))
    socket.resume().end(from)
  })
  server.listen(port, '0.0.0.0', () => say({ event: 'ready' }))
}

function dial(ownPort: number, host: string, port: number, limitMs: number): void {
  const socket = connect({ host, port, localPort: ownPort })
  const timer = setTimeout(() => end({ code: 'ETIMEDOUT' }), limitMs)
  const end = (result: Record<string, unknown>): void => {
    clearTimeout(timer)
    say({ event: 'end', ...result })
    socket.destroy()
  }
  let seen = ''
  socket.on('connect', () => socket.end(`${socket.remoteAddress}:${socket.remotePort}`))
  socket.setEncoding('utf8').on('data', (part: string) => {
    seen += part
  })
  socket.on('end', () => end({ as: seen }))
  socket.on('error', (error: NodeJS.ErrnoException) => end({ code: error.code }))
}

function map(port: number, gateway: string): void {
  const socket = createSocket('udp4')
  const request = Buffer.alloc(12)
  request.writeUInt8(MAP_TCP, 1)
  request.writeUInt16BE(port, 4)
  request.writeUInt16BE(port, 6)
  request.writeUInt32BE(LIFETIME_S, 8)
  socket.on('message', answer => {
    say({ event: 'mapped', result: answer.readUInt16BE(2), port: answer.readUInt16BE(10) })
    socket.close()
  })
  socket.send(request, NAT_PMP_PORT, gateway)
}
