import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

/** A stranger's program: has the node at the first address dial all the others, in one question, and says what came of each. */
const QUESTION = '/libp2p/autonat/2/dial-request'

/** Of the enumeration of answers; protobuf leaves a zero out. */
const ANSWERS: Record<number, string> = { 0: 'internal', 100: 'rejected', 101: 'refused', 200: 'dialled' }

const [target = '', ...named] = process.argv.slice(2)
const say = (event: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(event)}\n`)

const libp2p = await createLibp2p({
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()]
})
const stream = await libp2p.dialProtocol(multiaddr(target), QUESTION)
const messages = lpStream(stream)
const field = (number: number, bytes: Uint8Array): Uint8Array =>
  Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
const nonce = Buffer.concat([varint(2 * 8 + 1), Buffer.alloc(8, 7)])
await messages.write(field(1, Buffer.concat([...named.map(address => field(1, multiaddr(address).bytes)), nonce])))
try {
  for (const _ of named) {
    const answer = Buffer.from((await messages.read({ signal: AbortSignal.timeout(20_000) })).subarray())
    // dialResponse is field 2, its status field 1; dialDataRequest is field 3: more bytes are wanted before the dial.
    if (answer[0] === 3 * 8 + 2) say({ event: 'answer', what: 'wants bytes' })
    else say({ event: 'answer', what: ANSWERS[statusIn(answer)] })
  }
} catch (error) {
  say({ event: 'broken', error: String(error) })
}
say({ event: 'end' })
await libp2p.stop()

function varint(number: number): Buffer {
  const bytes: number[] = []
  let rest = number
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

/** The first field inside of the first one, which is below 16,384. */
function statusIn(answer: Buffer): number {
  const [, , tag, low = 0, high = 0] = answer
  if (tag !== 8) return 0
  return low < 128 ? low : low - 128 + high * 128
}
