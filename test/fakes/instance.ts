import { createHash, createPublicKey } from 'node:crypto'
import type { Signer } from '../../src/mesh/ports.ts'
import {
  type Content,
  type Envelope,
  encodeContent,
  fingerprintOf,
  newId,
  peerIdOf,
  sealGroup
} from '../../src/protocol/index.ts'
import { privateKeyOf, publicBytesOf } from '../../src/store/ed25519.ts'
import { signerOf } from '../../src/store/signer.ts'

/** An instance that exists in a test only: a key made from a name, and what it says with it. */
export class FakeInstance {
  readonly signer: Signer
  readonly instance: string
  readonly peer: string
  readonly epoch: string
  readonly #seqs = new Map<string, number>()

  constructor(name: string, { epoch = 'e000000000000001' }: { epoch?: string } = {}) {
    const seed = createHash('sha256').update(name).digest()
    this.signer = signerOf({ seed, publicKey: publicBytesOf(createPublicKey(privateKeyOf(seed))) })
    this.instance = fingerprintOf(this.signer.publicKey)
    this.peer = peerIdOf(this.signer.publicKey)
    this.epoch = epoch
  }

  /** A message to `to`, the next of its conversation unless `seq` says otherwise. */
  content(to: string, text: string, nowMs: number, change: Partial<Content> = {}): Content {
    const id = change.id ?? newId()
    const conversation = change.conversation ?? 'c0'.repeat(16)
    const lane = `${to} ${conversation}`
    const seq = change.seq ?? (this.#seqs.get(lane) ?? 0) + 1
    this.#seqs.set(lane, seq)
    return {
      kind: 'message',
      id,
      from: this.instance,
      key: this.signer.publicKey,
      to,
      epoch: this.epoch,
      conversation,
      seq,
      timeMs: nowMs,
      expiresMs: nowMs + 60 * 60 * 1000,
      trace: { root: id, depth: 0, hops: [] },
      body: { type: 'plain', bytes: new TextEncoder().encode(text) },
      ...change
    }
  }

  /** One signature over all of them. */
  seal(contents: Content[]): Promise<Envelope[]> {
    return sealGroup(contents.map(encodeContent), bytes => this.signer.sign(bytes))
  }
}
