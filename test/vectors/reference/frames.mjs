import { checkEnvelope, KIND_NAMES } from './envelope.mjs'
import { keyInPeerId } from './identity.mjs'
import { demand, readMessage, writeMessage } from './wire.mjs'

/** Sections 3.3, 4, 7, 10 and 11 of docs/protocol.md: what stands in frames, and route records. */

const DAY_MS = 24 * 60 * 60 * 1000
const LEVELS = ['', 'received', 'delivered', 'answered', 'rejected', 'deferred']
const REASONS =
  'none unsupported not_admitted blocked malformed wrong_sender wrong_audience bad_signature expired clock_skew overloaded no_reply failed unknown_outcome ticket_unknown ticket_spent ticket_expired requests_off pending'.split(
    ' '
  )

const hex = bytes => Buffer.from(bytes).toString('hex')
const bytesOf = text => Buffer.from(text, 'hex')

export function readFrame(bytes) {
  demand(bytes.length <= 65536, 'frame_too_large')
  const { values, unknown } = readMessage('Frame', bytes, 'frame_malformed')
  if (values.hello) return { type: 'hello', hello: helloOf(values.hello) }
  if (values.envelope) return { type: 'envelope', envelope: shown(checkEnvelope(values.envelope)) }
  if (values.receipts) return { type: 'receipts', receipts: receiptsOf(values.receipts.receipts) }
  demand(!unknown, 'frame_unknown')
  return demand(false, 'frame_malformed')
}

function shown({ signed, sig, sides, path }) {
  return { signed: hex(signed), sig: hex(sig), sides, path: path.map(hex) }
}

function helloOf({ version = 0, kinds, maxFrameBytes = 0, epoch = [], timeMs = 0, admitted = false, label = '' }) {
  const code = 'frame_malformed'
  demand(version >= 1 && kinds.length <= 256 && maxFrameBytes >= 65536 && epoch.length === 8 && timeMs >= 1, code)
  const known = [...new Set(kinds.map(kind => KIND_NAMES[kind]).filter(Boolean))]
  return { version, kinds: known, maxFrameBytes, epoch: hex(epoch), timeMs, admitted, label }
}

function receiptsOf(receipts) {
  demand(receipts.length >= 1 && receipts.length <= 512, 'receipt_malformed')
  return receipts.map(receiptOf).filter(Boolean)
}

function receiptOf({ id = [], attempt = 0, hash = [], level = 0, reason = 0, untilMs = 0, sig = [] }) {
  const code = 'receipt_malformed'
  demand(id.length === 16 && hash.length === 32 && attempt >= 1 && level >= 1, code)
  demand(level !== 5 || untilMs > 0, code)
  demand(sig.length === 0 || sig.length === 64, code)
  const outcome = LEVELS[level]
  if (outcome === undefined) return undefined
  const word = REASONS[reason] ?? 'failed'
  return {
    id: hex(id),
    attempt,
    hash: hex(hash),
    outcome,
    reason: outcome === 'rejected' && word === 'none' ? 'failed' : word,
    ...(outcome === 'deferred' && { untilMs })
  }
}

export function writeFrame(frame) {
  if (frame.type === 'hello') {
    const kinds = frame.hello.kinds.map(name => Object.values(KIND_NAMES).indexOf(name) + 1)
    return writeMessage('Frame', { hello: { ...frame.hello, kinds, epoch: bytesOf(frame.hello.epoch) } })
  }
  if (frame.type === 'envelope') {
    const { signed, sig, sides, path } = frame.envelope
    return writeMessage('Frame', {
      envelope: { signed: bytesOf(signed), sig: bytesOf(sig), sides, path: path.map(bytesOf) }
    })
  }
  const receipts = frame.receipts.map(({ id, attempt, hash, outcome, reason, untilMs }) => ({
    id: bytesOf(id),
    attempt,
    hash: bytesOf(hash),
    level: LEVELS.indexOf(outcome),
    reason: REASONS.indexOf(reason),
    untilMs
  }))
  return writeMessage('Frame', { receipts: { receipts } })
}

export function readPairFrame(bytes) {
  demand(bytes.length <= 4096, 'frame_too_large')
  const { values, unknown } = readMessage('PairFrame', bytes, 'frame_malformed')
  if (values.request) {
    const { kind = 0, body = [] } = values.request
    demand(kind >= 1, 'frame_malformed')
    return { type: 'request', kind, body: hex(body) }
  }
  if (values.answer) {
    const { accepted = false, reason = 0, label = '' } = values.answer
    return { type: 'answer', accepted, reason: REASONS[reason] ?? 'failed', label }
  }
  demand(!unknown, 'frame_unknown')
  return demand(false, 'frame_malformed')
}

export function writePairFrame(frame) {
  if (frame.type === 'request') {
    return writeMessage('PairFrame', { request: { kind: frame.kind, body: bytesOf(frame.body) } })
  }
  const { accepted, reason, label } = frame
  return writeMessage('PairFrame', { answer: { accepted, reason: REASONS.indexOf(reason), label } })
}

export function readRouteRecord(bytes) {
  const code = 'route_malformed'
  const { values } = readMessage('RouteRecord', bytes, code)
  const { peerId = '', seq = 0, issuedMs = 0, expiresMs = 0, label = '' } = values
  demand(keyInPeerId(peerId) !== undefined, 'peer_id_malformed')
  demand(seq >= 1 && issuedMs >= 1 && expiresMs > issuedMs && expiresMs - issuedMs <= DAY_MS, code)
  demand(values.addresses.length <= 8, code)
  const addresses = values.addresses.map(address => Buffer.from(address).toString('latin1'))
  demand(
    addresses.every(address => address.length <= 512 && /^(\/[\x21-\x2e\x30-\x7e]+)+$/.test(address)),
    code
  )
  return { peer: peerId, seq, addresses, issuedMs, expiresMs, label }
}

export function writeRouteRecord({ peer, addresses, ...rest }) {
  return writeMessage('RouteRecord', { ...rest, peerId: peer, addresses: addresses.map(one => Buffer.from(one)) })
}
