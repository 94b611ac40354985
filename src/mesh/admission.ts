import {
  type Content,
  type Envelope,
  type Fingerprint,
  hashOf,
  peekContent,
  type Receipt,
  type RejectReason
} from '../protocol/index.ts'
import { checkAudience } from './check-audience.ts'
import { decoded } from './check-body.ts'
import { checkCarrier } from './check-carrier.ts'
import { checkLength } from './check-length.ts'
import { checkTime } from './check-time.ts'
import { checkTrust } from './check-trust.ts'
import type { Clock, Gauge, Log, Store } from './ports.ts'
import { Rate } from './rate.ts'
import type { Trust } from './trust.ts'

/** `defer`: nothing wrong with it, send it again later. `drop`: a flood, not worth an answer. */
export type Verdict =
  | { verdict: 'accept'; content: Content; hash: Uint8Array }
  | { verdict: 'reject'; reason: RejectReason; id?: string; hash: Uint8Array }
  | { verdict: 'defer'; untilMs: number; id?: string; hash: Uint8Array }
  | { verdict: 'drop' }

/** About what one core can check and store; an honest sender waits for receipts long before. */
const ENVELOPES_PER_SECOND = 5_000

/** Two seconds at that rate: more than an outbox that was away may hold. */
const ENVELOPES_BURST = 10_000

/** Links at once, with room; only admitted peers have one. */
const CARRIERS_MAX = 1_024

/** One wrong signature costs as much as this many envelopes: 10 a second at most, a root each, whatever is sent. */
const STRIKE_COST = 500

/** Shortest time that a deferred envelope is held back, ms. */
const DEFER_MIN_MS = 1_000

/**
 * Decides over an envelope before anything of it is kept: length, rate, decode, schema, carrier, trust, audience, time. Dedupe, signature
 * and commit are the inbox's.
 */
export class Admission {
  readonly #store: Store
  readonly #clock: Clock
  readonly #trust: Trust
  readonly #log: Log
  readonly #self: Fingerprint
  readonly #rate: Rate

  constructor(components: { store: Store; clock: Clock; trust: Trust; log: Log }, init: { instance: Fingerprint }) {
    this.#store = components.store
    this.#clock = components.clock
    this.#trust = components.trust
    this.#log = components.log
    this.#self = init.instance
    this.#rate = new Rate(components, {
      perSecond: ENVELOPES_PER_SECOND,
      burst: ENVELOPES_BURST,
      keysMax: CARRIERS_MAX
    })
  }

  gauges(): Gauge[] {
    return this.#rate.gauges('carriers')
  }

  /** @param carrier peer id that the connection proved; today it must be the sender's own. */
  admit(envelope: Envelope, { carrier }: { carrier: string }): Verdict {
    const length = checkLength(envelope)
    const left = this.#rate.take(carrier)
    if (left <= -ENVELOPES_BURST) return { verdict: 'drop' }
    if (length !== undefined) return this.#reject(envelope, carrier, length)
    if (left < 0) return this.#defer(envelope, left)
    const result = decoded(envelope.signed)
    if ('reason' in result) return this.#reject(envelope, carrier, result.reason)
    const { content } = result
    const reason =
      checkCarrier(content, carrier) ??
      checkTrust(this.#trust.levelOf(content.from)) ??
      checkAudience(content, this.#self) ??
      this.#checkTime(content)
    if (reason !== undefined) return this.#reject(envelope, carrier, reason, content.id)
    return { verdict: 'accept', content, hash: hashOf(envelope.signed) }
  }

  /** Charges the carrier for a signature that was not one. */
  strike(carrier: string): void {
    this.#rate.take(carrier, STRIKE_COST)
  }

  /** A repeat of what was kept while it was fresh is no new message: the inbox answers it with what became of it. */
  #checkTime(content: Content): RejectReason | undefined {
    const reason = checkTime(content, this.#clock.wallMs())
    return reason !== undefined && this.#store.inbox.get(content.from, content.id) !== undefined ? undefined : reason
  }

  #reject(envelope: Envelope, carrier: string, reason: RejectReason, id = idOf(envelope)): Verdict {
    this.#log.debug('An envelope was refused.', { peer: carrier, reason })
    return { verdict: 'reject', reason, ...(id !== undefined && { id }), hash: hashOf(envelope.signed) }
  }

  #defer(envelope: Envelope, left: number): Verdict {
    const id = idOf(envelope)
    const waitMs = Math.max(DEFER_MIN_MS, Math.ceil((-left * 1000) / ENVELOPES_PER_SECOND))
    const untilMs = this.#clock.wallMs() + waitMs
    return { verdict: 'defer', untilMs, ...(id !== undefined && { id }), hash: hashOf(envelope.signed) }
  }
}

/** What to send back; undefined where there is nothing to say, or no id to say it about. */
export function receiptFor(verdict: Verdict): Receipt | undefined {
  if (verdict.verdict === 'accept' || verdict.verdict === 'drop' || verdict.id === undefined) return undefined
  const { id, hash } = verdict
  if (verdict.verdict === 'reject') return { id, attempt: 1, hash, outcome: 'rejected', reason: verdict.reason }
  return { id, attempt: 1, hash, outcome: 'deferred', reason: 'overloaded', untilMs: verdict.untilMs }
}

function idOf({ signed }: Envelope): string | undefined {
  return peekContent(signed).id
}
