import {
  BROADCAST_TEXT_MAX_BYTES,
  type Content,
  decodeEnvelope,
  type Envelope,
  encodeContent,
  encodeEnvelope,
  type Fingerprint,
  hashOf,
  ID_BYTES,
  newId,
  ProtocolError,
  peerIdOf,
  sealGroup,
  shortFingerprint,
  textOf,
  toHex,
  VerifiedRoots,
  verifyEnvelope
} from '../protocol/index.ts'
import { bounded, OVERDUE } from './bounded.ts'
import { decoded } from './check-body.ts'
import { checkTime } from './check-time.ts'
import { checkTrust } from './check-trust.ts'
import { MeshError } from './errors.ts'
import { failure } from './guard.ts'
import { Heard } from './heard.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { Clock, Gauge, Log, Notices, Signer, Store } from './ports.ts'
import { Rate } from './rate.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import { traceOfNew } from './trace.ts'
import type { Trust } from './trust.ts'

export interface BroadcastsComponents {
  store: Store
  signer: Signer
  clock: Clock
  log: Log
  trust: Trust
  routes: RouteTable
  notices: Notices
  /** What the owner finds again later. */
  owner: Pick<OwnerNotices, 'keep'>
  publish: (topic: string, data: Uint8Array) => Promise<{ recipients: number }>
}

export type BroadcastVerdict = 'accept' | 'ignore' | 'reject'

/** Texts of one author: people and agents stay far below, and every member carries every text (S-13). */
const AUTHOR_RATE = { perSecond: 6 / 60, burst: 12, keysMax: 1_024 }

/** Texts of all authors together whom nobody here admitted: relayed, for others may know them. Keys cost nothing, so they share one quota. */
const STRANGERS_RATE = { perSecond: 1, burst: 60, keysMax: 1 }

/** Signatures checked for one carrier: a flood of forgeries must not eat a core. */
const CARRIER_RATE = { perSecond: 20, burst: 100, keysMax: 1_024 }

/** A broadcast is news for who listens now, not a message for later, ms. */
const LIFE_MS = 10 * 60 * 1000

/** Longest encoded broadcast: the text, and room for the envelope's other fields. */
const DATA_MAX_BYTES = BROADCAST_TEXT_MAX_BYTES + 4 * 1024

/** How long showing one may take, ms, and how many may be about to be shown: an owner's channel may hang. */
const SHOW_MAX_MS = 30_000
const SHOWING_MAX = 64

/** Signed texts to a topic: best effort, no receipts, shown once here if the author is admitted. */
export class Broadcasts {
  readonly #components: BroadcastsComponents
  readonly #self: Fingerprint
  readonly #heard: Heard
  readonly #roots = new VerifiedRoots()
  readonly #authors: Rate
  readonly #strangers: Rate
  readonly #carriers: Rate
  readonly #stop = new AbortController()
  #showing = 0

  constructor(components: BroadcastsComponents, init: { instance: Fingerprint }) {
    this.#components = components
    this.#self = init.instance
    this.#heard = new Heard(components)
    this.#authors = new Rate(components, AUTHOR_RATE)
    this.#strangers = new Rate(components, STRANGERS_RATE)
    this.#carriers = new Rate(components, CARRIER_RATE)
  }

  gauges(): Gauge[] {
    return [
      { name: 'roots of broadcasts', size: this.#roots.size, max: this.#roots.max },
      { name: 'broadcasts being shown', size: this.#showing, max: SHOWING_MAX },
      ...this.#authors.gauges('authors'),
      ...this.#strangers.gauges('unknown authors'),
      ...this.#carriers.gauges('carriers of broadcasts')
    ]
  }

  /**
   * @returns the id, and how many direct members were handed the text
   * @throws {MeshError} `text_empty`, `text_too_long`, or `outbox_full` when we are over the rate that others take from us
   */
  async publish(text: string, topic: string): Promise<{ id: string; recipients: number }> {
    const { signer, publish } = this.#components
    const bytes = new TextEncoder().encode(text)
    if (bytes.length === 0) throw new MeshError('text_empty')
    if (bytes.length > BROADCAST_TEXT_MAX_BYTES) {
      throw new MeshError('text_too_long', {
        detail: `${bytes.length} bytes, at most ${BROADCAST_TEXT_MAX_BYTES} are allowed`
      })
    }
    if (this.#authors.left(this.#self) < 1) {
      throw new MeshError('outbox_full', { retryable: true, detail: 'six broadcasts a minute are relayed' })
    }
    this.#authors.take(this.#self)
    const content = this.#contentOf(bytes, topic)
    const [envelope] = await sealGroup([encodeContent(content)], data => signer.sign(data))
    if (envelope === undefined) throw new MeshError('internal', { detail: 'nothing was sealed' })
    const { recipients } = await publish(topic, encodeEnvelope(envelope))
    return { id: content.id, recipients }
  }

  /** Decides whether a broadcast is relayed, and shows it once if its author is admitted. Never throws. */
  async validate(carrier: string, topic: string, data: Uint8Array): Promise<BroadcastVerdict> {
    try {
      return await this.#judge(carrier, topic, data)
    } catch (error) {
      this.#components.log.error('A broadcast could not be judged.', failure(error))
      return 'ignore'
    }
  }

  /** What is being shown is let go. */
  stop(): void {
    this.#stop.abort()
  }

  async #judge(carrier: string, topic: string, data: Uint8Array): Promise<BroadcastVerdict> {
    const read = readBroadcast(topic, data)
    if (typeof read === 'string') return read
    const { envelope, content } = read
    const { from } = content
    if (from === this.#self || this.#components.trust.levelOf(from) === 'blocked') return 'ignore'
    // An honest relay cannot know our clock, nor what else its neighbours send.
    if (checkTime(content, this.#components.clock.wallMs()) !== undefined) return 'ignore'
    if (this.#authors.left(from) < 1 || this.#carriers.take(carrier) < 0) return 'ignore'
    const { signer } = this.#components
    if (!(await verifyEnvelope(envelope, content.key, signer.verify.bind(signer), this.#roots))) return 'reject'
    const refusal = checkTrust(this.#components.trust.levelOf(from))
    if (refusal === 'blocked') return 'ignore'
    if (refusal === undefined && !this.#heard.first(from, content.conversation, content)) return 'ignore'
    // Charged only now: neither forgeries nor replays must use up the quota of the one they name.
    if (this.#authors.take(from) < 0) return 'ignore'
    if (refusal !== undefined) return this.#relayed()
    this.#show(content, topic)
    return 'accept'
  }

  #relayed(): BroadcastVerdict {
    if (this.#strangers.left('all') < 1) return 'ignore'
    this.#strangers.take('all')
    return 'accept'
  }

  #show(content: Content, topic: string): void {
    const { clock, log, notices, owner } = this.#components
    const from = senderOf(content.from, peerIdOf(content.key), this.#components)
    const text = textOf(content)
    const name = `${from.name} (${shortFingerprint(from.instance)})`
    log.info(`Broadcast from ${name} on ${topic}: ${[...text].length} characters`)
    // First, and whether it is shown or not: there may be no channel to show it on.
    owner.keep({ id: content.id, from, text }, { did: `wrote to all on ${topic}`, kind: 'broadcast' })
    if (this.#showing >= SHOWING_MAX) {
      log.warn('A broadcast was not shown: too many are waiting.', { id: content.id })
      return
    }
    this.#showing++
    const broadcast = { id: content.id, topic, from, text }
    bounded(clock, SHOW_MAX_MS, signal => notices.notify({ kind: 'broadcast', broadcast }, { signal }), this.#stop)
      .then(
        result => {
          if (result === OVERDUE) log.warn('Showing a broadcast took too long.', { id: content.id })
        },
        error => {
          if (!this.#stop.signal.aborted) log.warn('A broadcast could not be shown.', failure(error))
        }
      )
      .finally(() => {
        this.#showing--
      })
  }

  #contentOf(bytes: Uint8Array, topic: string): Content {
    const { store, signer, clock } = this.#components
    const id = newId()
    const conversation = conversationOf(topic)
    const nowMs = clock.wallMs()
    return {
      kind: 'broadcast',
      id,
      from: this.#self,
      key: signer.publicKey,
      topic,
      epoch: store.epoch,
      conversation,
      seq: this.#nextSeq(conversation),
      timeMs: nowMs,
      expiresMs: nowMs + LIFE_MS,
      trace: traceOfNew(id),
      body: { type: 'plain', bytes }
    }
  }

  /** Committed before it is used: a seq that was said once must not come again with another text. */
  #nextSeq(conversation: string): number {
    const key = `broadcast seq ${conversation}`
    const seq = Number(this.#components.store.value(key) ?? 0) + 1
    this.#components.store.setValue(key, String(seq))
    return seq
  }
}

/** Bytes that break the protocol are the relay's fault too; a kind or version that we are too old for is nobody's. */
function readBroadcast(topic: string, data: Uint8Array): { envelope: Envelope; content: Content } | BroadcastVerdict {
  if (data.length > DATA_MAX_BYTES) return 'reject'
  const envelope = opened(data)
  if (envelope === undefined) return 'reject'
  const result = decoded(envelope.signed)
  if ('reason' in result) return result.reason === 'unsupported' ? 'ignore' : 'reject'
  const { content } = result
  return content.kind === 'broadcast' && content.topic === topic && content.conversation === conversationOf(topic)
    ? { envelope, content }
    : 'reject'
}

function opened(data: Uint8Array): Envelope | undefined {
  try {
    return decodeEnvelope(data)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** Every topic is one conversation, whose id follows from its name. */
function conversationOf(topic: string): string {
  return toHex(hashOf(new TextEncoder().encode(`libp2p-mesh/1/topic\0${topic}`)).subarray(0, ID_BYTES))
}
