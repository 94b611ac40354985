import {
  type Content,
  ENVELOPE_KINDS,
  type Envelope,
  type EnvelopeKind,
  encodeContent,
  encodeEnvelope,
  encodeFrame,
  FRAME_MAX_BYTES,
  type Frame,
  hashOf,
  type Receipt,
  sealGroup
} from '../../src/protocol/index.ts'
import { contentOf, conversationOf, DAY_MS, EPOCH, heron, idOf, type Member, otter, TIME_MS } from './members.ts'

/** One frame on the link of the otter and the heron. */
export interface Said {
  what: string
  from: string
  frame: Frame
  /** As it stands on the stream: its length, then the frame. */
  bytes: Uint8Array
}

const HERON_EPOCH = '1112131415161718'
const QUESTION = 'Is the build green?'
const ANSWER = 'Yes, since noon.'
/** What the heron's agent needed for its answer. */
const TURN_MS = 2_000
const BROADCAST_LIFE_MS = 10 * 60 * 1000

/** A link, a question and its answer, from the first frame to the last. The otter dialled. */
export async function exchange(): Promise<Said[]> {
  const question = { ...contentOf(1, QUESTION), conversation: idOf(0xc0) }
  const answer: Content = {
    ...contentOf(2, ANSWER),
    from: heron.fingerprint,
    key: heron.key.publicKey,
    to: otter.fingerprint,
    epoch: HERON_EPOCH,
    seq: 1,
    inReplyTo: question.id,
    timeMs: TIME_MS + TURN_MS,
    expiresMs: TIME_MS + TURN_MS + 7 * DAY_MS,
    trace: { root: question.id, parent: question.id, depth: 1, hops: [otter.fingerprint] }
  }
  return [
    said('The side that dialled opens the stream and says hello.', otter, helloOf(otter, EPOCH, TIME_MS)),
    said(
      'So does the other, without waiting. Each admits the other: the link is up.',
      heron,
      helloOf(heron, HERON_EPOCH, TIME_MS + 3)
    ),
    said('The question, the only envelope of its group.', otter, await sealed(question, otter)),
    said('It is stored.', heron, receiptOf(question, 'received')),
    said('The agent has taken it.', heron, receiptOf(question, 'delivered')),
    said('The answer: a message that names the question.', heron, await sealed(answer, heron)),
    said('The answer is in the outbox of the heron.', heron, receiptOf(question, 'answered')),
    said('The answer is stored.', otter, receiptOf(answer, 'received')),
    said('Who asked has it.', otter, receiptOf(answer, 'delivered'))
  ]
}

/** What a gossipsub message of the default topic carries as its data. */
export async function broadcast(): Promise<{ content: Content; data: Uint8Array }> {
  const topic = 'openclaw-mesh'
  const { to: _, ...unaddressed } = contentOf(7, 'Moving to the new router at six.')
  const content: Content = {
    ...unaddressed,
    kind: 'broadcast',
    topic,
    conversation: conversationOf(topic),
    expiresMs: TIME_MS + BROADCAST_LIFE_MS
  }
  const [envelope] = await sealGroup([encodeContent(content)], otter.key.sign)
  return { content, data: encodeEnvelope(envelope as Envelope) }
}

function said(what: string, { label: from }: Member, frame: Frame): Said {
  const bytes = encodeFrame(frame)
  return { what, from, frame, bytes: new Uint8Array([...prefixOf(bytes.length), ...bytes]) }
}

/** An unsigned varint, least significant seven bits first. */
function prefixOf(length: number): number[] {
  return length < 0x80 ? [length] : [(length & 0x7f) | 0x80, ...prefixOf(length >>> 7)]
}

function helloOf({ label }: Member, epoch: string, timeMs: number): Frame {
  const kinds = Object.keys(ENVELOPE_KINDS) as EnvelopeKind[]
  return {
    type: 'hello',
    hello: { version: 1, kinds, maxFrameBytes: FRAME_MAX_BYTES, epoch, timeMs, admitted: true, label }
  }
}

async function sealed(content: Content, { key }: Member): Promise<Frame> {
  const [envelope] = await sealGroup([encodeContent(content)], key.sign)
  return { type: 'envelope', envelope: envelope as Envelope }
}

function receiptOf(content: Content, outcome: Receipt['outcome']): Frame {
  const hash = hashOf(encodeContent(content))
  return { type: 'receipts', receipts: [{ id: content.id, attempt: 1, hash, outcome, reason: 'none' }] }
}
