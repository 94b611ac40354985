import { fingerprintBytes, fingerprintFrom, fingerprintText, isSignature, sha256 } from './identity.mjs'
import { decodeText, demand, readMessage, writeMessage } from './wire.mjs'

/** Sections 5 and 6 of docs/protocol.md: signed parts, groups, bodies. */

const DAY_MS = 24 * 60 * 60 * 1000
const DOMAIN = Buffer.from('libp2p-mesh/1/envelope\0')
const TOPIC_DOMAIN = 'libp2p-mesh/1/topic\0'

/** The table of section 6.1, with the bounds of 6.2. */
const KINDS = {
  1: { name: 'message', audience: 'to', bodies: ['plain', 'chunk', 'sealed'], maxBytes: 32768, replies: true },
  2: { name: 'host', audience: 'to', bodies: ['plain', 'chunk', 'sealed'], maxBytes: 32768, replies: true },
  3: { name: 'broadcast', audience: 'topic', bodies: ['plain', 'sealed'], maxBytes: 8192, replies: false },
  4: { name: 'route', audience: 'to', bodies: ['plain'], maxBytes: 4096, replies: false },
  5: { name: 'skip', audience: 'to', bodies: ['none'], maxBytes: 0, replies: false }
}

export const KIND_NAMES = Object.fromEntries(Object.entries(KINDS).map(([number, { name }]) => [number, name]))
const KIND_NUMBERS = Object.fromEntries(Object.entries(KINDS).map(([number, { name }]) => [name, Number(number)]))

const TOPIC = /^[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}._:/-]*$/u

export const hashOf = signed => sha256(signed)

export function conversationOfTopic(topic) {
  return sha256(Buffer.from(TOPIC_DOMAIN + topic)).subarray(0, 16)
}

/** Section 5.1: the form of an envelope, the signed part apart. */
export function checkEnvelope({ signed, sig, sides = 0, path }) {
  const code = 'envelope_malformed'
  demand(signed !== undefined && signed.length >= 1 && signed.length <= 34816, code)
  demand(sig?.length === 64, code)
  demand(path.length <= 12 && path.every(hash => hash.length === 32), code)
  demand(sides < 2 ** path.length, code)
  return { signed, sig, sides, path }
}

export function readEnvelope(bytes) {
  return checkEnvelope(readMessage('Envelope', bytes, 'envelope_malformed').values)
}

/** Section 5.3: the signed part, read and checked, in the words of the vectors. */
export function readSigned(bytes) {
  const code = 'envelope_malformed'
  const { values } = readMessage('Signed', bytes, code)
  demand(values.version === 1, 'envelope_version')
  const kind = KINDS[values.kind]
  demand(kind !== undefined, 'envelope_kind')
  const sized = (value, size) => {
    demand(value?.length === size, code)
    return value.toString('hex')
  }
  const id = sized(buffer(values.id), 16)
  const conversation = sized(buffer(values.conversation), 16)
  const epoch = sized(buffer(values.epoch), 8)
  const key = sized(buffer(values.key), 32)
  const from = sized(buffer(values.from), 15)
  demand(fingerprintBytes(values.key).toString('hex') === from, code)
  const audience = audienceOf(values, kind, sized)
  demand(values.seq >= 1, code)
  const inReplyTo = absent(values.inReplyTo) ? undefined : sized(buffer(values.inReplyTo), 16)
  demand(inReplyTo === undefined || kind.replies, code)
  demand(values.timeMs >= 1, code)
  demand(values.expiresMs > values.timeMs && values.expiresMs - values.timeMs <= 31 * DAY_MS, code)
  demand(values.trace !== undefined, code)
  const trace = traceOf(values.trace, id, sized)
  const body = bodyOf(values, kind)
  return {
    kind: kind.name,
    id,
    from: fingerprintText(values.from),
    key,
    ...audience,
    epoch,
    conversation,
    seq: values.seq,
    ...(inReplyTo !== undefined && { inReplyTo }),
    timeMs: values.timeMs,
    expiresMs: values.expiresMs,
    trace,
    body
  }
}

function audienceOf({ to, topic }, kind, sized) {
  demand(absent(to) !== absent(topic), 'envelope_malformed')
  demand(absent(kind.audience === 'to' ? topic : to), 'envelope_malformed')
  if (kind.audience === 'to') return { to: fingerprintText(Buffer.from(sized(buffer(to), 15), 'hex')) }
  demand(TOPIC.test(topic) && [...topic].length <= 64 && topic.normalize('NFC') === topic, 'topic_malformed')
  return { topic }
}

function traceOf({ root, parent, depth = 0, hops }, id, sized) {
  const code = 'envelope_malformed'
  const trace = {
    root: sized(buffer(root), 16),
    ...(!absent(parent) && { parent: sized(buffer(parent), 16) }),
    depth,
    hops: hops.map(hop => fingerprintText(Buffer.from(sized(buffer(hop), 15), 'hex')))
  }
  demand(depth <= 16 && hops.length <= 16, code)
  if (depth === 0) demand(trace.root === id && trace.parent === undefined && hops.length === 0, code)
  else demand(trace.parent !== undefined, code)
  return trace
}

function bodyOf({ plain, chunk, sealed }, { bodies, maxBytes }) {
  const type = plain ? 'plain' : chunk ? 'chunk' : sealed ? 'sealed' : 'none'
  demand(bodies.includes(type), 'envelope_malformed')
  if (type === 'none') return { type }
  if (type === 'chunk') {
    const { index = 0, total = 0 } = chunk
    demand(total >= 1 && total <= 4096 && index < total, 'envelope_malformed')
  }
  const bytes = buffer(plain ?? sealed ?? chunk.data ?? [])
  demand(bytes.length > 0, 'text_empty')
  demand(bytes.length <= maxBytes, 'text_too_long')
  if (type === 'chunk') return { type, index: chunk.index ?? 0, total: chunk.total, data: bytes.toString('hex') }
  return { type, bytes: bytes.toString('hex') }
}

/** Section 6.2: the text of a plain body. */
export function textOf(content) {
  return decodeText(Buffer.from(content.body.bytes, 'hex'), 'text_not_utf8')
}

/** The bytes to sign. */
export function writeSigned(content) {
  const { body, trace } = content
  return writeMessage('Signed', {
    version: 1,
    kind: KIND_NUMBERS[content.kind],
    id: hex(content.id),
    from: fingerprintFrom(content.from),
    key: hex(content.key),
    to: content.to && fingerprintFrom(content.to),
    topic: content.topic,
    epoch: hex(content.epoch),
    conversation: hex(content.conversation),
    seq: content.seq,
    inReplyTo: hex(content.inReplyTo),
    timeMs: content.timeMs,
    expiresMs: content.expiresMs,
    trace: {
      root: hex(trace.root),
      parent: hex(trace.parent),
      depth: trace.depth,
      hops: trace.hops.map(fingerprintFrom)
    },
    plain: body.type === 'plain' ? hex(body.bytes) : undefined,
    chunk: body.type === 'chunk' ? { index: body.index, total: body.total, data: hex(body.data) } : undefined,
    sealed: body.type === 'sealed' ? hex(body.bytes) : undefined
  })
}

// Section 5.4

const leaf = signed => sha256(Buffer.of(0), signed)
const node = (left, right) => sha256(Buffer.of(1), left, right)

export function rootOf({ signed, sides, path }) {
  return path.reduce((hash, sibling, i) => ((sides >> i) & 1 ? node(sibling, hash) : node(hash, sibling)), leaf(signed))
}

/** Root and paths of a group. */
export function treeOf(parts) {
  const paths = parts.map(() => ({ sides: 0, path: [] }))
  return { root: subtree(parts.map(leaf), paths), paths }
}

function subtree(leaves, paths) {
  if (leaves.length === 1) return leaves[0]
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  const [lefts, rights] = [paths.slice(0, split), paths.slice(split)]
  const left = subtree(leaves.slice(0, split), lefts)
  const right = subtree(leaves.slice(split), rights)
  for (const one of lefts) one.path.push(right)
  for (const one of rights) {
    one.sides += 2 ** one.path.length
    one.path.push(left)
  }
  return node(left, right)
}

export const bytesToSign = root => Buffer.concat([DOMAIN, root])

export function seal(content, key) {
  const signed = writeSigned(content)
  return { signed, sig: key.sign(bytesToSign(leaf(signed))), sides: 0, path: [] }
}

export function isSealed(envelope, publicKey) {
  return isSignature(publicKey, bytesToSign(rootOf(envelope)), envelope.sig)
}

function absent(value) {
  return value === undefined || value.length === 0
}

function buffer(bytes) {
  return bytes === undefined ? undefined : Buffer.from(bytes)
}

function hex(text) {
  return text === undefined ? undefined : Buffer.from(text, 'hex')
}
