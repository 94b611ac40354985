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

/** Where this instance says that it can be reached. The seq grows with every change, over restarts too. */
export class OwnRoute {
  readonly #network: Pick<Network, 'peer' | 'addresses'>
  readonly #store: Store
  readonly #signer: Signer
  readonly #clock: Clock
  readonly #self: string
  readonly #label: () => string
  #record: RouteRecord | undefined

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

  /** The record as a signed envelope for one instance. */
  async envelopeFor(instance: string): Promise<Envelope> {
    const record = this.#current()
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

  #current(): RouteRecord {
    const nowMs = this.#clock.wallMs()
    const addresses = this.#network.addresses().slice(0, ROUTE_ADDRESSES_MAX)
    const label = this.#label()
    const last = this.#record
    const same = last !== undefined && last.label === label && last.addresses.join() === addresses.join()
    if (same && nowMs >= last.issuedMs && nowMs - last.issuedMs < RENEW_MS) return last
    const seq = Number(this.#store.value(SEQ_KEY) ?? 0) + 1
    this.#store.setValue(SEQ_KEY, String(seq))
    const { peer } = this.#network
    this.#record = { peer, seq, addresses, issuedMs: nowMs, expiresMs: nowMs + ROUTE_TTL_MS, label }
    return this.#record
  }
}
