import { hashOf, ID_BYTES, newId, type Trace, toHex } from '../protocol/index.ts'
import type { AckTracker, Settled } from './ack-tracker.ts'
import type { Aftermath } from './aftermath.ts'
import { MeshError } from './errors.ts'
import { guarded } from './guard.ts'
import { openRow } from './inbox-row.ts'
import type { Outbox } from './outbox.ts'
import type { AbortOptions, Clock, Gauge, Log, Network, OutboxRow, Store } from './ports.ts'
import type { Presence } from './presence.ts'
import type { SendRequest, SendResult } from './requests.ts'
import { admittedTarget } from './resolve.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import { traceOfCaused, traceOfNew } from './trace.ts'
import type { Trust } from './trust.ts'

/** Calls of whose end a full disk took no note: beyond it the oldest is let go, and somebody may be told once more. */
const OWED_MAX = 1_024

/** Times are told to a tenth of a millisecond. */
const TENTHS = 10

export interface SendingComponents {
  store: Store
  network: Network
  clock: Clock
  log: Log
  trust: Trust
  routes: RouteTable
  presence: Presence
  outbox: Outbox
  acks: AckTracker
  aftermath: Pick<Aftermath, 'released'>
}

export interface SendingInit {
  self: { instance: string; peer: string }
  /** How long a caller that names no time waits, ms. */
  deliveryAckTimeoutMs: () => number
}

/** One message from the request to the level that was asked for: to whom, may we, the row, the wait. */
export class Sending {
  readonly #components: SendingComponents
  readonly #init: SendingInit
  /** What callers heard and the store took no note of yet, by message. At most OWED_MAX. */
  readonly #owed = new Map<string, () => void>()
  #stopped = false

  constructor(components: SendingComponents, init: SendingInit) {
    this.#components = components
    this.#init = init
  }

  /** Ends every wait with what is true now. */
  stop(): void {
    this.#stopped = true
    this.#components.acks.stop()
  }

  /**
   * @throws {MeshError} before anything is stored `unknown_target`, `ambiguous_target`, `self_target`, `not_trusted`, `blocked`, `text_empty`,
   * `text_too_long`, `outbox_full`, `bad_request`; with the message's id `refused_by_peer`, `expired`, `aborted`
   */
  async send(request: SendRequest, { signal }: AbortOptions = {}): Promise<SendResult> {
    const { clock, outbox, acks, presence } = this.#components
    const startMs = clock.monotonicMs()
    if (signal?.aborted === true) throw new MeshError('aborted', { cause: signal.reason })
    const { trust, routes } = this.#components
    const target = admittedTarget(request.target, { trust, routes, self: this.#init.self })
    // A key that was to be released would take the same text of today for that of then.
    this.#note()
    const id = newId()
    const row = await outbox.enqueue({
      id,
      instance: target.instance,
      peer: target.peer,
      kind: request.kind ?? 'message',
      conversation: request.conversation ?? this.#conversationWith(target.instance, request.session),
      trace: this.#traceOf(id, request.cause),
      text: request.text,
      ...(request.expiresInMs !== undefined && { expiresMs: clock.wallMs() + request.expiresInMs }),
      ...(request.idempotencyKey !== undefined && { idempotencyKey: request.idempotencyKey }),
      ...(request.session !== undefined && { session: request.session })
    })
    presence.want(row.peer)
    let settled: Settled | undefined
    try {
      const timeoutMs = request.timeoutMs ?? this.#init.deliveryAckTimeoutMs()
      settled = await acks.wait(row.id, request.waitFor ?? 'delivered', timeoutMs, { signal })
      const ms = Math.round((clock.monotonicMs() - startMs) * TENTHS) / TENTHS
      return this.#resultOf(row, settled, { ms, repeated: row.id !== id })
    } finally {
      // A stop is not the caller's end: the same call comes again after the restart, and must find this message.
      const down = this.#stopped || (signal?.reason instanceof MeshError && signal.reason.code === 'engine_down')
      if (!down) this.#owe(row.id, () => this.#told(row, settled, request.keyUntilTold === true))
      if (row.session !== undefined) this.#components.aftermath.released()
    }
  }

  /** The message is accepted whatever a full disk notes of it, so that fails nobody, and is made good before the next one. */
  #owe(id: string, told: () => void): void {
    this.#owed.set(id, told)
    const oldest = this.#owed.keys().next().value
    if (this.#owed.size > OWED_MAX && oldest !== undefined) this.#owed.delete(oldest)
    this.#note()
  }

  #note(): void {
    guarded(this.#components.log, 'Noting what a caller heard', () => {
      for (const [id, told] of this.#owed) {
        told()
        this.#owed.delete(id)
      }
    })
  }

  gauges(): Gauge[] {
    return [{ name: 'calls to take note of', size: this.#owed.size, max: OWED_MAX }]
  }

  /** The caller hears of this state now, so nobody else need be told; undefined where it hears nothing. */
  #told(row: OutboxRow, settled: Settled | undefined, release: boolean): void {
    const { store } = this.#components
    const ended = settled?.outcome === 'ended'
    const heard = settled?.outcome === 'ended' ? settled.state : settled?.level
    const tell = row.session !== undefined && heard !== undefined && heard !== 'queued' ? heard : undefined
    if (!release && !ended && tell === undefined) return
    store.transaction(() => {
      if (release) store.outbox.releaseKey(row.id)
      if (tell !== undefined) store.aftermath.tell(row.id, tell)
      if (ended) store.aftermath.sayEnded(row.id)
    })
  }

  /**
   * What this instance, or one session of its host, says to another is one conversation, in order, unless the caller says otherwise. Its id
   * follows from the names, so it is the same after a restart.
   */
  #conversationWith(instance: string, session = ''): string {
    const names = ['libp2p-mesh/1/conversation', this.#init.self.instance, instance, session].join('\0')
    return toHex(hashOf(new TextEncoder().encode(names)).subarray(0, ID_BYTES))
  }

  /** A cause that nobody knows is refused: without it the chain would begin anew, and its limits with it. */
  #traceOf(id: string, cause: string | undefined): Trace {
    if (cause === undefined) return traceOfNew(id)
    // Ids are each sender's own: another's message of the same id is another chain.
    const [instance = '', inboundId = ''] = cause.split('/')
    const row = this.#components.store.inbox.get(instance, inboundId)
    if (row !== undefined) return traceOfCaused(openRow(row).content)
    throw new MeshError('bad_request', { detail: 'cause: no such inbound message' })
  }

  #resultOf(row: OutboxRow, settled: Settled, how: { ms: number; repeated: boolean }): SendResult {
    const { network, trust, routes } = this.#components
    const { instanceId, name } = senderOf(row.instance, row.peer, { trust, routes })
    if (settled.outcome === 'ended') throw endOf(row, settled, instanceId)
    const connection = network.connections().find(({ peer, linked }) => peer === row.peer && linked)
    const reached = settled.outcome === 'reached' ? settled : undefined
    return {
      id: row.id,
      level: settled.level === 'queued' ? 'pending' : settled.level,
      path: connection?.path ?? null,
      ms: how.ms,
      reply: reached?.reply ?? null,
      to: { instanceId, peerId: row.peer, name },
      reason: reached?.reason ?? null,
      repeated: how.repeated
    }
  }
}

function endOf(row: OutboxRow, { state, reason }: Settled & { outcome: 'ended' }, peer: string): MeshError {
  const details = { id: row.id, peer, ...(reason !== undefined && { reason }) }
  if (state === 'rejected') return new MeshError('refused_by_peer', details)
  return new MeshError(state === 'expired' ? 'expired' : 'aborted', details)
}
