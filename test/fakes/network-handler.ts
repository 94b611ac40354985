import type { NetworkHandler, Path } from '../../src/mesh/ports.ts'
import {
  ENVELOPE_KINDS,
  type Envelope,
  type EnvelopeKind,
  FRAME_MAX_BYTES,
  type Hello,
  type PairAnswer,
  type PairBody,
  type Receipt
} from '../../src/protocol/index.ts'

/** What a network told its handler, in order, as short lines: `linkUp <peer>`. */
export interface Recorded {
  event: string
  peer: string
}

/** A handler that admits whom the test says and writes down everything. */
export class RecordingHandler implements NetworkHandler {
  readonly events: Recorded[] = []
  readonly envelopes: Envelope[] = []
  readonly receiptsSeen: Receipt[] = []
  readonly hellos = new Map<string, Hello>()
  readonly refusals = new Map<string, Hello>()
  readonly found = new Map<string, string[]>()
  readonly broadcasts: { carrier: string; topic: string; data: Uint8Array }[] = []
  readonly asks: { peer: string; address: string; body: PairBody }[] = []
  answer: PairAnswer = { accepted: false, reason: 'pending', label: '' }
  readonly paths = new Map<string, Path>()
  readonly admitted = new Set<string>()
  /** Admits everybody while true. */
  open: boolean
  verdict: 'accept' | 'ignore' | 'reject' = 'accept'
  onEnvelope: ((peer: string, envelope: Envelope) => void) | undefined
  onDrained: ((peer: string) => void) | undefined

  constructor(init: { open?: boolean } = {}) {
    this.open = init.open ?? true
  }

  count(event: string, peer?: string): number {
    return this.events.filter(entry => entry.event === event && (peer === undefined || entry.peer === peer)).length
  }

  hello(peer: string): Hello {
    return helloFor(this.open || this.admitted.has(peer))
  }

  discovered(peer: string, addresses: string[]): void {
    this.#note('discovered', peer)
    this.found.set(peer, addresses)
  }

  connected(peer: string, path: Path): void {
    this.#note('connected', peer)
    this.paths.set(peer, path)
  }

  moved(): void {
    this.#note('moved', '')
  }

  readdressed(): void {
    this.#note('readdressed', '')
  }

  pathChanged(peer: string, path: Path): void {
    this.#note('pathChanged', peer)
    this.paths.set(peer, path)
  }

  disconnected(peer: string): void {
    this.#note('disconnected', peer)
  }

  linkUp(peer: string, hello: Hello): void {
    this.#note('linkUp', peer)
    this.hellos.set(peer, hello)
  }

  linkDown(peer: string): void {
    this.#note('linkDown', peer)
  }

  refused(peer: string, hello: Hello): void {
    this.#note('refused', peer)
    this.refusals.set(peer, hello)
  }

  envelope(peer: string, envelope: Envelope): void {
    this.envelopes.push(envelope)
    this.onEnvelope?.(peer, envelope)
  }

  receipts(_peer: string, receipts: Receipt[]): void {
    this.receiptsSeen.push(...receipts)
  }

  drained(peer: string): void {
    this.#note('drained', peer)
    this.onDrained?.(peer)
  }

  async asked(peer: string, address: string, body: PairBody): Promise<PairAnswer> {
    this.#note('asked', peer)
    this.asks.push({ peer, address, body })
    return this.answer
  }

  async broadcast(carrier: string, topic: string, data: Uint8Array): Promise<'accept' | 'ignore' | 'reject'> {
    this.broadcasts.push({ carrier, topic, data })
    return this.verdict
  }

  #note(event: string, peer: string): void {
    this.events.push({ event, peer })
  }
}

export function helloFor(admitted: boolean): Hello {
  return {
    version: 1,
    kinds: Object.keys(ENVELOPE_KINDS) as EnvelopeKind[],
    maxFrameBytes: FRAME_MAX_BYTES,
    epoch: '0011223344556677',
    timeMs: 1_800_000_000_000,
    admitted,
    label: 'brisk-otter'
  }
}

/** An envelope by shape only: numbered, of the given size, signed by nobody. */
export function envelopeOf(number: number, bytes = 64): Envelope {
  const signed = new Uint8Array(Math.max(bytes, 8))
  new DataView(signed.buffer).setUint32(0, number)
  signed.fill(number % 251, 4)
  return { signed, sig: new Uint8Array(64), sides: 0, path: [] }
}

export function numberOf(envelope: Envelope): number {
  return new DataView(envelope.signed.buffer, envelope.signed.byteOffset).getUint32(0)
}
