import { hashOf, ID_BYTES, newId, type Trace, toHex } from '../protocol/index.ts'
import type { AckTracker, Settled } from './ack-tracker.ts'
import { MeshError } from './errors.ts'
import { openRow } from './inbox-row.ts'
import type { Outbox } from './outbox.ts'
import type { AbortOptions, Clock, Network, OutboxRow, Store } from './ports.ts'
import type { Presence } from './presence.ts'
import type { SendRequest, SendResult } from './requests.ts'
import { resolveTarget, type Target } from './resolve.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import { traceOfCaused, traceOfNew } from './trace.ts'
import type { Trust } from './trust.ts'

/** Times are told to a tenth of a millisecond. */
const TENTHS = 10

export interface SendingComponents {
  store: Store
  network: Network
  clock: Clock
  trust: Trust
  routes: RouteTable
  presence: Presence
  outbox: Outbox
  acks: AckTracker
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
    const { clock, outbox, acks, presence, store } = this.#components
    const startMs = clock.monotonicMs()
    if (signal?.aborted === true) throw new MeshError('aborted', { cause: signal.reason })
    const target = this.#targetOf(request.target)
    const id = newId()
    const row = await outbox.enqueue({
      id,
      instance: target.instance,
      peer: target.peer,
      kind: request.kind ?? 'message',
      conversation: request.conversation ?? this.#conversationWith(target.instance, request.session),
      trace: this.#traceOf(id, request.cause),
      text: request.text,
      ...(request.idempotencyKey !== undefined && { idempotencyKey: request.idempotencyKey }),
      ...(request.session !== undefined && { session: request.session })
    })
    presence.want(row.peer)
    try {
      const timeoutMs = request.timeoutMs ?? this.#init.deliveryAckTimeoutMs()
      const settled = await acks.wait(row.id, request.waitFor ?? 'delivered', timeoutMs, { signal })
      const ms = Math.round((clock.monotonicMs() - startMs) * TENTHS) / TENTHS
      return this.#resultOf(row, settled, { ms, repeated: row.id !== id })
    } finally {
      // A stop is not the caller's end: the same call comes again after the restart, and must find this message.
      const down = this.#stopped || (signal?.reason instanceof MeshError && signal.reason.code === 'engine_down')
      if (request.keyUntilTold === true && !down) store.outbox.releaseKey(row.id)
    }
  }

  #targetOf(text: string): Target {
    const { trust, routes } = this.#components
    const target = resolveTarget(text, { trust, routes, self: this.#init.self })
    if (target.trust === 'blocked') throw new MeshError('blocked', { peer: target.instanceId })
    if (target.trust === 'unknown') throw new MeshError('not_trusted', { peer: target.instanceId })
    return target
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
