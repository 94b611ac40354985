import { equal } from './bytes.ts'
import type { Body, Content, Trace } from './content.ts'
import { fingerprintBytesOf, fingerprintToBytes, isFingerprint } from './fingerprint.ts'
import { isEpoch, isId } from './id.ts'
import type { EnvelopeKind } from './kinds.ts'
import { BROADCAST_TEXT_MAX_BYTES, EXPIRY_MAX_MS, PUBLIC_KEY_BYTES, TEXT_MAX_BYTES, TRACE_HOPS_MAX } from './limits.ts'
import { demand } from './parse.ts'
import { isTopic } from './topic.ts'

/** The one version of the signed part that this side writes and reads. */
export const ENVELOPE_VERSION = 1

/** Longest signed part: the largest text, under 1 KiB of other fields, and room for fields that later versions add. */
export const SIGNED_MAX_BYTES = TEXT_MAX_BYTES + 2 * 1024

/** Pieces of one body: 4,096 of 32 KiB are 128 MiB. */
const CHUNKS_MAX = 4096

/** Eight addresses with relay hops take about 2 KiB. */
const ROUTE_MAX_BYTES = 4 * 1024

interface Rule {
  audience: 'to' | 'topic'
  bodies: readonly Body['type'][]
  /** Longest plain or sealed body, and longest piece of a chunked one. */
  maxBytes: number
  /** May it answer another envelope? */
  replies: boolean
}

const RULES: Record<EnvelopeKind, Rule> = {
  message: { audience: 'to', bodies: ['plain', 'chunk', 'sealed'], maxBytes: TEXT_MAX_BYTES, replies: true },
  host: { audience: 'to', bodies: ['plain', 'chunk', 'sealed'], maxBytes: TEXT_MAX_BYTES, replies: true },
  broadcast: { audience: 'topic', bodies: ['plain', 'sealed'], maxBytes: BROADCAST_TEXT_MAX_BYTES, replies: false },
  route: { audience: 'to', bodies: ['plain'], maxBytes: ROUTE_MAX_BYTES, replies: false },
  skip: { audience: 'to', bodies: ['none'], maxBytes: 0, replies: false }
}

/**
 * The rules that a content keeps before it is signed and after it was read.
 *
 * @throws {ProtocolError} `envelope_malformed`, `topic_malformed`, `text_empty` or `text_too_long`
 */
export function checkContent(content: Content): void {
  const rule = RULES[content.kind]
  check(isId(content.id), 'id')
  check(isId(content.conversation), 'conversation')
  check(isEpoch(content.epoch), 'epoch')
  check(whole(content.seq, 1), 'seq')
  check(content.inReplyTo === undefined || (rule.replies && isId(content.inReplyTo)), 'in_reply_to')
  checkSender(content)
  checkAudience(content, rule)
  check(whole(content.timeMs, 1), 'time')
  check(whole(content.expiresMs, content.timeMs + 1) && content.expiresMs - content.timeMs <= EXPIRY_MAX_MS, 'expiry')
  checkTrace(content.trace, content.id)
  checkBody(content.body, rule)
}

function checkSender({ from, key }: Content): void {
  check(key.length === PUBLIC_KEY_BYTES, 'key')
  check(isFingerprint(from) && equal(fingerprintToBytes(from), fingerprintBytesOf(key)), 'from')
}

function checkAudience({ to, topic }: Content, { audience }: Rule): void {
  check((to !== undefined) === (audience === 'to') && (to === undefined || isFingerprint(to)), 'to')
  check((topic !== undefined) === (audience === 'topic'), 'topic')
  demand(topic === undefined || isTopic(topic), 'topic_malformed', 'topic')
}

function checkTrace({ root, parent, depth, hops }: Trace, id: string): void {
  check(isId(root), 'root')
  check(whole(depth, 0) && depth <= TRACE_HOPS_MAX, 'depth')
  check(hops.length <= TRACE_HOPS_MAX && hops.every(isFingerprint), 'hops')
  if (depth === 0) check(root === id && parent === undefined && hops.length === 0, 'trace of a first envelope')
  else check(parent !== undefined && isId(parent), 'parent')
}

function checkBody(body: Body, { bodies, maxBytes }: Rule): void {
  check(bodies.includes(body.type), 'body')
  if (body.type === 'none') return
  if (body.type === 'chunk') {
    check(whole(body.total, 1) && body.total <= CHUNKS_MAX, 'total')
    check(whole(body.index, 0) && body.index < body.total, 'index')
  }
  const { length } = body.type === 'chunk' ? body.data : body.bytes
  demand(length > 0, 'text_empty', 'body')
  demand(length <= maxBytes, 'text_too_long', `body of ${length} bytes, ${maxBytes} at most`)
}

function whole(value: number, min: number): boolean {
  return Number.isSafeInteger(value) && value >= min
}

function check(condition: boolean, what: string): asserts condition {
  demand(condition, 'envelope_malformed', what)
}
