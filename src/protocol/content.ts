import { toHex, unshared } from './bytes.ts'
import { checkContent, ENVELOPE_VERSION, SIGNED_MAX_BYTES } from './content-rules.ts'
import { ProtocolError } from './errors.ts'
import { type Fingerprint, fingerprintFromBytes, fingerprintToBytes } from './fingerprint.ts'
import { epochToBytes, idToBytes } from './id.ts'
import { ENVELOPE_KINDS, type EnvelopeKind } from './kinds.ts'
import { EPOCH_BYTES, FINGERPRINT_BYTES, ID_BYTES, PUBLIC_KEY_BYTES, TRACE_HOPS_MAX } from './limits.ts'
import { Signed } from './mesh.pb.ts'
import { kindOf } from './numbers.ts'
import { demand, parse } from './parse.ts'
import { SIGNED } from './shapes.ts'

/** The causal chain of an envelope: which first one it descends from, and through whose hands. */
export interface Trace {
  /** Id of the first envelope of the chain: its own where `depth` is 0. */
  root: string
  /** Id of the envelope that caused this one; absent where `depth` is 0. */
  parent?: string
  /** 0 for a first envelope, 16 at most. */
  depth: number
  /** Instances that acted before the sender, 16 at most; empty where `depth` is 0. */
  hops: Fingerprint[]
}

export type Body =
  /** UTF-8 text, or the encoded record of the kind. */
  | { type: 'plain'; bytes: Uint8Array }
  /** Piece `index` of `total`, counted from 0. */
  | { type: 'chunk'; index: number; total: number; data: Uint8Array }
  | { type: 'sealed'; bytes: Uint8Array }
  | { type: 'none' }

/** What gets signed. Ids are 32 hex digits, epochs 16, times ms since 1970. */
export interface Content {
  kind: EnvelopeKind
  id: string
  /** Always the fingerprint of `key`. */
  from: Fingerprint
  key: Uint8Array
  /** Set for every kind but broadcast. */
  to?: Fingerprint
  /** Set for broadcast only. */
  topic?: string
  epoch: string
  conversation: string
  /** From 1. */
  seq: number
  inReplyTo?: string
  timeMs: number
  /** After `timeMs`, by 31 days at most. */
  expiresMs: number
  trace: Trace
  body: Body
}

const NOTHING = new Uint8Array(0)
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The bytes to sign.
 *
 * @throws {ProtocolError} `envelope_malformed`, `topic_malformed`, `text_empty` or `text_too_long`
 */
export function encodeContent(content: Content): Uint8Array {
  checkContent(content)
  return Signed.encode({
    version: ENVELOPE_VERSION,
    kind: ENVELOPE_KINDS[content.kind],
    id: bytesOfId(content.id),
    from: unshared(fingerprintToBytes(content.from)),
    key: unshared(content.key),
    to: content.to === undefined ? NOTHING : unshared(fingerprintToBytes(content.to)),
    topic: content.topic ?? '',
    epoch: unshared(epochToBytes(content.epoch) ?? NOTHING),
    conversation: bytesOfId(content.conversation),
    seq: content.seq,
    inReplyTo: bytesOfId(content.inReplyTo),
    timeMs: content.timeMs,
    expiresMs: content.expiresMs,
    trace: {
      root: bytesOfId(content.trace.root),
      parent: bytesOfId(content.trace.parent),
      depth: content.trace.depth,
      hops: content.trace.hops.map(hop => unshared(fingerprintToBytes(hop)))
    },
    ...bodyFields(content.body)
  })
}

/**
 * Reads signed bytes against the whole schema. `key` and the body are views of `signed`. The text is not decoded: see `textOf`.
 *
 * @throws {ProtocolError} `envelope_version` or `envelope_kind` where this side is too old for it, else as `encodeContent`
 */
export function decodeContent(signed: Uint8Array): Content {
  demand(signed.length <= SIGNED_MAX_BYTES, 'envelope_malformed', 'length')
  const { message } = parse(signed, SIGNED, Signed.decode, 'envelope_malformed')
  demand(message.version === ENVELOPE_VERSION, 'envelope_version', `version ${message.version}`)
  const kind = kindOf(message.kind)
  demand(kind !== undefined, 'envelope_kind', `kind ${message.kind}`)
  const { trace } = message
  demand(trace !== undefined, 'envelope_malformed', 'trace')
  demand(trace.hops.length <= TRACE_HOPS_MAX, 'envelope_malformed', 'hops')
  const parent = optional(trace.parent, readId, 'parent')
  const to = optional(message.to, readFingerprint, 'to')
  const inReplyTo = optional(message.inReplyTo, readId, 'in_reply_to')
  const content: Content = {
    kind,
    id: readId(message.id, 'id'),
    from: readFingerprint(message.from, 'from'),
    key: sized(message.key, PUBLIC_KEY_BYTES, 'key'),
    ...(to !== undefined && { to }),
    ...(message.topic !== '' && { topic: message.topic }),
    epoch: toHex(sized(message.epoch, EPOCH_BYTES, 'epoch')),
    conversation: readId(message.conversation, 'conversation'),
    seq: message.seq,
    ...(inReplyTo !== undefined && { inReplyTo }),
    timeMs: message.timeMs,
    expiresMs: message.expiresMs,
    trace: {
      root: readId(trace.root, 'root'),
      ...(parent !== undefined && { parent }),
      depth: trace.depth,
      hops: trace.hops.map(hop => readFingerprint(hop, 'hop'))
    },
    body: readBody(message)
  }
  checkContent(content)
  return content
}

/** What can be said of signed bytes that `decodeContent` refused: the id, for a receipt that rejects them. */
export function peekContent(signed: Uint8Array): { id?: string } {
  try {
    const { message } = parse(signed, SIGNED, Signed.decode, 'envelope_malformed')
    return message.id.length === ID_BYTES ? { id: toHex(message.id) } : {}
  } catch (error) {
    if (error instanceof ProtocolError) return {}
    throw error
  }
}

/**
 * The text of a plain body.
 *
 * @throws {ProtocolError} `text_not_utf8`; `envelope_malformed` where the body is no plain one
 */
export function textOf(content: Content): string {
  demand(content.body.type === 'plain', 'envelope_malformed', 'body')
  try {
    return utf8.decode(content.body.bytes)
  } catch (cause) {
    throw new ProtocolError('text_not_utf8', 'text_not_utf8', { cause })
  }
}

function bytesOfId(id: string | undefined): Uint8Array<ArrayBuffer> {
  return id === undefined ? NOTHING : unshared(idToBytes(id) ?? NOTHING)
}

function bodyFields(body: Body): Pick<Signed, 'plain' | 'chunk' | 'sealed'> {
  switch (body.type) {
    case 'plain':
      return { plain: unshared(body.bytes) }
    case 'chunk':
      return { chunk: { index: body.index, total: body.total, data: unshared(body.data) } }
    case 'sealed':
      return { sealed: unshared(body.bytes) }
    case 'none':
      return {}
  }
}

function readBody({ plain, chunk, sealed }: Signed): Body {
  if (plain !== undefined) return { type: 'plain', bytes: plain }
  if (chunk !== undefined) return { type: 'chunk', index: chunk.index, total: chunk.total, data: chunk.data }
  if (sealed !== undefined) return { type: 'sealed', bytes: sealed }
  return { type: 'none' }
}

function optional<T>(bytes: Uint8Array, read: (bytes: Uint8Array, what: string) => T, what: string): T | undefined {
  return bytes.length === 0 ? undefined : read(bytes, what)
}

function readId(bytes: Uint8Array, what: string): string {
  return toHex(sized(bytes, ID_BYTES, what))
}

function readFingerprint(bytes: Uint8Array, what: string): Fingerprint {
  return fingerprintFromBytes(sized(bytes, FINGERPRINT_BYTES, what))
}

function sized(bytes: Uint8Array, length: number, what: string): Uint8Array {
  demand(bytes.length === length, 'envelope_malformed', what)
  return bytes
}
