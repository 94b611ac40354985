import { createSocket } from 'node:dgram'

/** Another mDNS responder at this address: holds its port in the way that its argument says, and prints the packets that it hears. */
const [how, own] = process.argv.slice(2)
const socket = createSocket({ type: 'udp4', reuseAddr: how === 'reuseAddr', reusePort: how === 'reusePort' })
socket.on('message', (_, { address }) => process.stdout.write(`${JSON.stringify({ event: 'heard', address })}\n`))
socket.bind(5353, () => {
  socket.addMembership('224.0.0.251', own)
  process.stdout.write(`${JSON.stringify({ event: 'ready' })}\n`)
})
process.on('SIGTERM', () => socket.close())
