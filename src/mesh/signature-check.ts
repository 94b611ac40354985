import { type Envelope, type Receipt, VerifiedRoots, verifyEnvelope } from '../protocol/index.ts'
import { failure, guarded } from './guard.ts'
import { receiptOf } from './inbox-row.ts'
import type { Clock, Gauge, InboxRow, Log, Signer, Store } from './ports.ts'

export interface SignatureCheckComponents {
  store: Store
  signer: Signer
  clock: Clock
  log: Log
  /** A verified row that waits for its dispatch. */
  ready: (row: InboxRow) => void
  /** Counts a bad signature against the peer. */
  strike: (peer: string) => void
  send: (peer: string, receipts: Receipt[]) => void
}

/** A stored row whose signature is still to be checked, with the envelope and the 32 bytes of the key that must have signed it. */
export interface Unverified {
  row: InboxRow
  envelope: Envelope
  key: Uint8Array
}

/** Signatures checked between two commits: a crash repeats at most these checks. */
const BATCH_MAX = 256

/** Pause before a commit that failed is tried again, ms: a full disk is not freed within a blink, and all goes on within 5 s of it. */
const COMMIT_RETRY_MS = 2_000

/**
 * Verifies stored rows in the order in which they came: a good row becomes ready for dispatch, a bad one is rejected and its sender told. The
 * link already proved who carried it, so this may follow the receipt, but nothing is dispatched before.
 */
export class SignatureCheck {
  readonly #components: SignatureCheckComponents
  readonly #roots = new VerifiedRoots()
  readonly #waiting: Unverified[] = []
  readonly #stop = new AbortController()
  #bytes = 0
  #running: Promise<void> | undefined

  constructor(components: SignatureCheckComponents) {
    this.#components = components
  }

  /** Bytes of the envelopes that wait; the caller keeps them bounded. */
  get bytes(): number {
    return this.#bytes
  }

  gauges(): Gauge[] {
    return [{ name: 'roots of messages', size: this.#roots.size, max: this.#roots.max }]
  }

  add(rows: Unverified[]): void {
    for (const one of rows) {
      this.#waiting.push(one)
      this.#bytes += one.envelope.signed.length
    }
    this.#start()
  }

  /** Resolves when everything added so far is checked, or the check was stopped. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** What is not checked by now is checked after the next start. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  #start(): void {
    if (this.#running !== undefined || this.#waiting.length === 0 || this.#stop.signal.aborted) return
    this.#running = this.#run().then(
      () => {
        this.#running = undefined
        // What came after the last look and before this.
        this.#start()
      },
      error => {
        this.#running = undefined
        if (!this.#stop.signal.aborted) this.#components.log.error('Checking signatures failed.', failure(error))
      }
    )
  }

  async #run(): Promise<void> {
    const { signer } = this.#components
    const verify = signer.verify.bind(signer)
    while (this.#waiting.length > 0) {
      this.#stop.signal.throwIfAborted()
      const batch = this.#waiting.slice(0, BATCH_MAX)
      const answers = await Promise.all(
        batch.map(({ envelope, key }) => verifyEnvelope(envelope, key, verify, this.#roots))
      )
      for (const row of await this.#commit(batch, answers)) this.#tell(row)
      this.#waiting.splice(0, batch.length)
      for (const { envelope } of batch) this.#bytes -= envelope.signed.length
    }
  }

  /** Writes the answers down, again and again while the disk refuses. */
  async #commit(batch: Unverified[], answers: boolean[]): Promise<InboxRow[]> {
    const { store, clock, log } = this.#components
    const write = (): InboxRow[] =>
      store.transaction(() =>
        batch.map(({ row }, index) => {
          const good = { verified: true }
          const bad = { state: 'rejected' as const, reason: 'bad_signature' as const }
          return store.inbox.update(row.instance, row.id, answers[index] === true ? good : bad) ?? row
        })
      )
    for (;;) {
      const rows = guarded(log, 'Storing signature checks', write)
      if (rows !== undefined) return rows
      await clock.sleep(COMMIT_RETRY_MS, { signal: this.#stop.signal })
    }
  }

  #tell(row: InboxRow): void {
    const { log, ready, send, strike } = this.#components
    if (row.verified) {
      ready(row)
      return
    }
    log.warn('A message had a wrong signature.', { peer: row.peer })
    strike(row.peer)
    send(row.peer, [receiptOf(row)])
  }
}
