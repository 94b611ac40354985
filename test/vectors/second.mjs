import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { hashOf, isSealed, readSigned, seal, textOf } from './reference/envelope.mjs'
import { readFrame, writeFrame } from './reference/frames.mjs'
import { fingerprintBytes, fingerprintText, keyInPeerId, keyOf } from './reference/identity.mjs'
import { framed, unframed } from './reference/wire.mjs'

/**
 * A second instance, made after appendix B of docs/protocol.md up to its step 7: it dials, says hello, sends texts, and answers those that it gets.
 * It keeps nothing, admits everybody, and shares no code with the implementation.
 *
 *     node test/vectors/second.mjs <multiaddr> <seed, 64 hex digits>
 *
 * What happens is told on stdout, a JSON object a line. Lines on stdin: `send <text>`, `forge <text>` (under a wrong signature), `repeat` (the last one
 * again), `end`.
 */

const LINK = '/libp2p-mesh/1.0.0'
const DAY_MS = 24 * 60 * 60 * 1000
const FRAME_MAX_BYTES = 65536

const [address, seed] = process.argv.slice(2)
const key = keyOf(Buffer.from(seed, 'hex'))
const self = fingerprintText(fingerprintBytes(key.publicKey))
const epoch = randomBytes(8).toString('hex')
const conversation = randomBytes(16).toString('hex')
/** Conversation -> the last seq given in it. */
const seqs = new Map()
/** Id of an envelope of the peer -> the receipts that say what became of it. */
const known = new Map()

const tell = event => console.log(JSON.stringify(event))
const hex = bytes => Buffer.from(bytes).toString('hex')

const node = await createLibp2p({
  privateKey: await generateKeyPairFromSeed('Ed25519', Buffer.from(seed, 'hex')),
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()]
})
const connection = await node.dial(multiaddr(address))
const peerKey = keyInPeerId(connection.remotePeer.toString())
const peer = fingerprintText(fingerprintBytes(peerKey))
const stream = await connection.newStream(LINK)

let waiting = Buffer.alloc(0)
let theirs
let last

stream.addEventListener('close', () => tell({ event: 'closed' }))
stream.addEventListener('message', ({ data }) => {
  try {
    const { frames, rest } = unframed(Buffer.concat([waiting, data.subarray()]), FRAME_MAX_BYTES)
    waiting = rest
    for (const bytes of frames) onFrame(bytes)
  } catch (error) {
    // Section 3.1: malformed frames end the stream with a reset.
    tell({ event: 'malformed', code: error.code ?? error.message })
    stream.abort(error)
  }
})

const say = frame => stream.send(framed(writeFrame(frame)))

say({
  type: 'hello',
  hello: {
    version: 1,
    kinds: ['message', 'host', 'broadcast', 'route', 'skip'],
    maxFrameBytes: FRAME_MAX_BYTES,
    epoch,
    timeMs: Date.now(),
    admitted: true,
    label: 'second'
  }
})

function onFrame(bytes) {
  const frame = readKnown(bytes)
  if (theirs === undefined) {
    if (frame?.type !== 'hello') throw new Error('the first frame is no hello')
    theirs = frame.hello
    tell({ event: 'hello', admitted: theirs.admitted, label: theirs.label })
  } else if (frame?.type === 'hello') {
    throw new Error('a second hello')
  } else if (frame?.type === 'envelope') {
    onEnvelope(frame.envelope)
  } else if (frame?.type === 'receipts') {
    for (const receipt of frame.receipts) tell({ event: 'receipt', ...receipt })
  }
}

/** Section 3.3: a frame of a later version is skipped once the hello was read. */
function readKnown(bytes) {
  try {
    return readFrame(bytes)
  } catch (error) {
    if (error.code !== 'frame_unknown') throw error
    return undefined
  }
}

/** Section 13.1, checks 3 to 14, as far as they are needed by somebody who admits everybody and forgets everything. */
function onEnvelope(shown) {
  const bytesOf = text => Buffer.from(text, 'hex')
  const envelope = { ...shown, signed: bytesOf(shown.signed), sig: bytesOf(shown.sig), path: shown.path.map(bytesOf) }
  const content = readSigned(envelope.signed)
  const hash = hex(hashOf(envelope.signed))
  const refuse = reason => say(receiptOf(content.id, hash, 'rejected', reason))
  if (content.key !== hex(peerKey)) return refuse('wrong_sender')
  if (content.to !== self) return refuse('wrong_audience')
  if (content.kind === 'route') return tell({ event: 'route' })
  const before = known.get(content.id)
  if (before !== undefined) return say(before)
  say(receiptOf(content.id, hash, 'received'))
  if (!isSealed(envelope, peerKey)) return refuse('bad_signature')
  const delivered = receiptOf(content.id, hash, 'delivered')
  known.set(content.id, delivered)
  say(delivered)
  const text = content.kind === 'skip' ? '' : textOf(content)
  tell({ event: 'text', id: content.id, inReplyTo: content.inReplyTo, text })
  if (content.kind === 'message' && content.inReplyTo === undefined) answer(content, text)
}

/** Section 5.3: what is sent because of something names it in its trace. */
function answer(question, text) {
  send(`You said: ${text}`, {
    conversation: question.conversation,
    inReplyTo: question.id,
    trace: {
      root: question.trace.root,
      parent: question.id,
      depth: question.trace.depth + 1,
      hops: [...question.trace.hops, question.from]
    }
  })
  const answered = receiptOf(question.id, known.get(question.id).receipts[0].hash, 'answered')
  known.set(question.id, answered)
  say(answered)
}

function send(text, more = {}, spoil = sig => sig) {
  const id = randomBytes(16).toString('hex')
  const lane = more.conversation ?? conversation
  const seq = (seqs.get(lane) ?? 0) + 1
  seqs.set(lane, seq)
  const timeMs = Date.now()
  const content = {
    kind: 'message',
    id,
    from: self,
    key: hex(key.publicKey),
    to: peer,
    epoch,
    conversation: lane,
    seq,
    timeMs,
    expiresMs: timeMs + 7 * DAY_MS,
    trace: { root: id, depth: 0, hops: [] },
    body: { type: 'plain', bytes: hex(text === '' ? [] : Buffer.from(text)) },
    ...more
  }
  const { signed, sig, sides, path } = seal(content, key)
  last = { type: 'envelope', envelope: { signed: hex(signed), sig: hex(spoil(sig)), sides, path } }
  say(last)
  tell({ event: 'sent', id, hash: hex(hashOf(signed)) })
}

function receiptOf(id, hash, outcome, reason = 'none') {
  return { type: 'receipts', receipts: [{ id, attempt: 1, hash, outcome, reason }] }
}

const COMMANDS = {
  send: text => send(text),
  forge: text => send(text, {}, sig => Buffer.from(sig.map((byte, i) => (i === 0 ? byte ^ 1 : byte)))),
  repeat: () => say(last),
  end: async () => {
    await stream.close()
    await node.stop()
    process.exit(0)
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [, command, text] = /^(\w+) ?(.*)$/.exec(line) ?? []
  await COMMANDS[command]?.(text)
}
await COMMANDS.end()
