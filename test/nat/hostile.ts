import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { type Answer, encode } from 'dns-packet'

/** Sends what no honest program sends to the port of mDNS: from the given address, so many packets a second, until it is ended. */
const [own = '', rate = '1000'] = process.argv.slice(2)
const TAG = '_libp2p-mesh._udp.local'
const PEER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const TICK_MS = 10
const POOL = 1_000

const txt = (address: string): Answer => ({
  name: `x.${TAG}`,
  type: 'TXT',
  ttl: 120,
  data: `dnsaddr=${address}/p2p/${PEER}`
})
const answer = (addresses: string[]): Buffer =>
  encode({ type: 'response', answers: [{ name: TAG, type: 'PTR', ttl: 120, data: `x.${TAG}` }, ...addresses.map(txt)] })

/** A name that leads through a long chain of pointers, and records that all begin there. */
function maze(): Buffer {
  const hops = 1_800
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0x8400, 2)
  head.writeUInt16BE(60, 6)
  const chain = Buffer.alloc(2 + hops * 2)
  for (let hop = 1; hop <= hops; hop++) chain.writeUInt16BE(0xc000 + 12 + (hop - 1) * 2, hop * 2)
  const record = Buffer.from([0xc0, 0, 0, 16, 0, 1, 0, 0, 0, 120, 0, 1, 0])
  record.writeUInt16BE(0xc000 + 12 + hops * 2, 0)
  return Buffer.concat([head, chain, ...Array.from({ length: 30 }, () => record), Buffer.from('_libp2p-mesh')])
}

const query = encode({ type: 'query', questions: [{ name: TAG, type: 'PTR' }] })
const makers: (() => Buffer)[] = [
  () => randomBytes(1 + Math.floor(Math.random() * 1_200)),
  () => Buffer.concat([randomBytes(12), Buffer.from(`\x0c${TAG}`), randomBytes(200)]),
  () => query.subarray(0, 1 + Math.floor(Math.random() * query.length)),
  () => query,
  maze,
  () => answer(Array.from({ length: 600 }, (_, i) => `/ip4/10.77.0.9/tcp/${1 + i}`)),
  () => answer(Array.from({ length: 20 }, (_, i) => `/ip4/10.77.0.9/tcp/${1 + i}`)),
  () => answer(['/dns4/localhost/tcp/22', '/ip4/127.0.0.1/tcp/22', '/ip4/8.8.8.8/tcp/53', '/unix/tmp']),
  () => answer([`/ip4/10.77.0.9/tcp/9/p2p/${PEER}/p2p-circuit`, 'nonsense', '']),
  () => encode({ type: 'response', answers: [{ name: TAG, type: 'PTR', ttl: 0, data: '' }] })
]

/** Made before: making them costs more than sending them. */
const packets = Array.from({ length: POOL }, (_, index) => makers[index % makers.length]?.() ?? query)

const socket = createSocket({ type: 'udp4', reuseAddr: true })
socket.bind(5353, () => {
  socket.setMulticastInterface(own)
  process.stdout.write(`${JSON.stringify({ event: 'ready' })}\n`)
  let next = 0
  setInterval(() => {
    for (let packet = 0; packet < (Number(rate) * TICK_MS) / 1_000; packet++) {
      socket.send(packets[next++ % POOL] ?? query, 5353, '224.0.0.251')
    }
  }, TICK_MS)
})
process.on('SIGTERM', () => process.exit(0))
