import type { Envelope, RouteRecord } from '../protocol/index.ts'
import {
  encodeContent,
  encodeRouteRecord,
  newId,
  ROUTE_ADDRESSES_MAX,
  ROUTE_TTL_MS,
  sealGroup
} from '../protocol/index.ts'
import type { Clock, Network, Signer, Store } from './ports.ts'
import { traceOfNew } from './trace.ts'

/** Where the store keeps the seq of the newest record. */
const SEQ_KEY = 'routeSeq'

/** A record is renewed at half its life, so that nobody ever holds an expired one of a peer that is up. */
const RENEW_MS = ROUTE_TTL_MS / 2

/**
 * Where this instance says that it can be reached, in two views: to a peer in the own network all of it, to others what is reachable from everywhere
 * (S-29). The seq grows with every change, over restarts too, and the wider view has the higher one: it replaces the other, and is not replaced by it.
 */
export class OwnRoute {
  readonly #network: Pick<Network, 'peer' | 'addresses'>
  readonly #store: Store
  readonly #signer: Signer
  readonly #clock: Clock
  readonly #self: string
  readonly #label: () => string
  #views: { all: string; near: RouteRecord; far: RouteRecord } | undefined

  constructor(
    components: { network: Pick<Network, 'peer' | 'addresses'>; store: Store; signer: Signer; clock: Clock },
    init: { self: string; label: () => string }
  ) {
    this.#network = components.network
    this.#store = components.store
    this.#signer = components.signer
    this.#clock = components.clock
    this.#self = init.self
    this.#label = init.label
  }

  /** The record as a signed envelope for one instance. @param near whether its connection stays in the own network */
  async envelopeFor(instance: string, { near }: { near: boolean }): Promise<Envelope> {
    const record = this.#current()[near ? 'near' : 'far']
    const id = newId()
    const signed = encodeContent({
      kind: 'route',
      id,
      from: this.#self,
      key: this.#signer.publicKey,
      to: instance,
      epoch: this.#store.epoch,
      // Records are no conversation: each stands alone, and its own seq says which is newer.
      conversation: id,
      seq: record.seq,
      timeMs: record.issuedMs,
      expiresMs: record.expiresMs,
      trace: traceOfNew(id),
      body: { type: 'plain', bytes: encodeRouteRecord(record) }
    })
    const [envelope] = await sealGroup([signed], bytes => this.#signer.sign(bytes))
    return envelope as Envelope
  }

  #current(): { near: RouteRecord; far: RouteRecord } {
    const nowMs = this.#clock.wallMs()
    const [near, far] = [this.#network.addresses(), this.#network.addresses('everywhere')]
    const label = this.#label()
    const all = [label, ...near, ...far].join(' ')
    const last = this.#views
    const fresh = last !== undefined && nowMs >= last.near.issuedMs && nowMs - last.near.issuedMs < RENEW_MS
    if (fresh && last.all === all) return last
    const seq = Number(this.#store.value(SEQ_KEY) ?? 0)
    this.#store.setValue(SEQ_KEY, String(seq + 2))
    const { peer } = this.#network
    const record = (addresses: string[], number: number): RouteRecord => ({
      peer,
      seq: number,
      addresses: addresses.slice(0, ROUTE_ADDRESSES_MAX),
      issuedMs: nowMs,
      expiresMs: nowMs + ROUTE_TTL_MS,
      label
    })
    this.#views = { all, far: record(far, seq + 1), near: record(near, seq + 2) }
    return this.#views
  }
}
