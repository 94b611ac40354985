import { randomBytes } from 'node:crypto'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Libp2p, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { bytesToSign, type Content, rootOf, type Sealed, seal, writeSigned } from '../vectors/reference/envelope.mjs'
import {
  readFrame,
  type ShownFrame,
  type ShownReceipt,
  writeFrame,
  writeRouteRecord
} from '../vectors/reference/frames.mjs'
import { fingerprintBytes, fingerprintText, type KeyPair, keyInPeerId, keyOf } from '../vectors/reference/identity.mjs'
import { framed, readMessage, unframed, type Values, writeMessage } from '../vectors/reference/wire.mjs'

/**
 * Somebody who speaks libp2p and knows docs/protocol.md, and keeps none of its promises. What it says is written by the second implementation in
 * test/vectors/reference or byte by byte, never by src/.
 */

export const LINK = '/libp2p-mesh/1.0.0'
export const PAIR = '/libp2p-mesh/pair/1.0.0'
const PAIR_KINDS = { ticket: 1, contact: 2, approved: 3 } as const

const HOUR_MS = 60 * 60 * 1000
const FRAME_MAX_BYTES = 65_536

/** How long anything that must come may take, ms, and how often it is looked for. */
const WAIT_MAX_MS = 15_000
const LOOK_MS = 10

export interface Target {
  peerId: string
  addresses: string[]
}

export interface AttackerInit {
  /** Speaks gossipsub and listens to this topic. */
  topic?: string
  /** Says by identify that it is there too. */
  announce?: string[]
  label?: string
}

/** What a pair request brings: an answer, or a stream that is reset. */
export type PairReply = { accepted: boolean; reason: number; label: string } | 'reset'

export class Attacker {
  readonly libp2p: Libp2p<{ pubsub?: GossipSub }>
  readonly key: KeyPair
  readonly peerId: string
  readonly fingerprint: string
  readonly label: string
  readonly epoch = randomBytes(8).toString('hex')
  readonly conversation = randomBytes(16).toString('hex')
  readonly #seqs = new Map<string, number>()

  constructor(components: { libp2p: Libp2p<{ pubsub?: GossipSub }>; key: KeyPair }, init: { label: string }) {
    this.libp2p = components.libp2p
    this.key = components.key
    this.label = init.label
    this.peerId = this.libp2p.peerId.toString()
    this.fingerprint = fingerprintText(fingerprintBytes(this.key.publicKey))
  }

  static async create({ topic, announce = [], label = 'mallory' }: AttackerInit = {}): Promise<Attacker> {
    const seed = randomBytes(32)
    const services = {
      ...((announce.length > 0 || topic !== undefined) && { identify: identify() }),
      ...(topic !== undefined && {
        pubsub: gossipsub({
          allowPublishToZeroTopicPeers: true,
          floodPublish: true,
          scoreParams: { IPColocationFactorWeight: 0 }
        })
      })
    }
    const libp2p = (await createLibp2p({
      privateKey: await generateKeyPairFromSeed('Ed25519', seed),
      addresses: { listen: [], appendAnnounce: announce },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services
    })) as unknown as Libp2p<{ pubsub?: GossipSub }>
    if (topic !== undefined) libp2p.services.pubsub?.subscribe(topic)
    return new Attacker({ libp2p, key: keyOf(seed) }, { label })
  }

  async connect({ addresses }: Target): Promise<void> {
    await this.libp2p.dial(addresses.map(address => multiaddr(address)))
  }

  async stream({ addresses }: Target, protocol: string): Promise<Stream> {
    return await this.libp2p.dialProtocol(
      addresses.map(address => multiaddr(address)),
      protocol
    )
  }

  /** Opens a link and says hello. */
  async link(target: Target): Promise<AttackLink> {
    const link = new AttackLink(await this.stream(target, LINK))
    link.hello(this)
    return link
  }

  /** One pair request, answered or not. */
  async ask(target: Target, kind: keyof typeof PAIR_KINDS, body: Values): Promise<PairReply> {
    const message = { ticket: 'TicketProof', contact: 'ContactRequest', approved: undefined }[kind]
    const bytes = message === undefined ? Buffer.alloc(0) : writeMessage(message, body)
    return await this.askRaw(
      target,
      framed(writeMessage('PairFrame', { request: { kind: PAIR_KINDS[kind], body: bytes } }))
    )
  }

  async askRaw(target: Target, bytes: Uint8Array): Promise<PairReply> {
    const stream = await this.stream(target, PAIR)
    const { promise, resolve } = Promise.withResolvers<PairReply>()
    let read = Buffer.alloc(0)
    stream.addEventListener('message', ({ data }) => {
      read = Buffer.concat([read, data.subarray()])
      const [frame] = unframed(read, FRAME_MAX_BYTES).frames
      if (frame === undefined) return
      const { answer } = readMessage('PairFrame', frame, 'frame_malformed').values as { answer?: Values }
      resolve({
        accepted: answer?.['accepted'] === true,
        reason: Number(answer?.['reason'] ?? 0),
        label: `${answer?.['label'] ?? ''}`
      })
      void stream.close()
    })
    stream.addEventListener('close', () => resolve('reset'))
    stream.send(bytes)
    return await promise
  }

  /** A text for `to`, with whatever else it is to say. */
  content(to: Target, text: string | Uint8Array, more: Partial<Content> = {}): Content {
    const id = more.id ?? randomBytes(16).toString('hex')
    const instance = fingerprintOf(to.peerId)
    const conversation = more.conversation ?? this.conversation
    const lane = `${instance} ${conversation}`
    const seq = more.seq ?? (this.#seqs.get(lane) ?? 0) + 1
    this.#seqs.set(lane, Math.max(seq, this.#seqs.get(lane) ?? 0))
    const timeMs = Date.now()
    return {
      kind: 'message',
      from: this.fingerprint,
      key: this.key.publicKey.toString('hex'),
      to: instance,
      epoch: this.epoch,
      timeMs,
      expiresMs: timeMs + HOUR_MS,
      trace: { root: id, depth: 0, hops: [] },
      body: { type: 'plain', bytes: Buffer.from(text).toString('hex') },
      ...more,
      id,
      conversation,
      seq
    }
  }

  seal(content: Content): Sealed {
    return seal(content, this.key)
  }

  /** An envelope around a route record, which says `record` beside what an honest one would. */
  route(
    to: Target,
    record: Partial<Parameters<typeof writeRouteRecord>[0]> & { seq: number },
    more: Partial<Content> = {}
  ): Sealed {
    const issuedMs = record.issuedMs ?? Date.now()
    const bytes = writeRouteRecord({
      peer: this.peerId,
      addresses: [],
      expiresMs: issuedMs + HOUR_MS,
      label: this.label,
      ...record,
      issuedMs
    })
    return this.seal(
      this.content(to, '', {
        kind: 'route',
        conversation: randomBytes(16).toString('hex'),
        seq: record.seq,
        body: { type: 'plain', bytes: bytes.toString('hex') },
        ...more
      })
    )
  }

  /** The signed part with bytes of the caller's at its end, under a signature that fits. */
  sealWith(content: Content, extra: Uint8Array): Sealed {
    const signed = Buffer.concat([writeSigned(content), extra])
    return sealBytes(signed, this.key)
  }

  async stop(): Promise<void> {
    await this.libp2p.stop()
  }
}

/** The link as an attacker sees it: every frame that came, and no duty to send any. */
export class AttackLink {
  readonly stream: Stream
  readonly frames: ShownFrame[] = []
  readonly ended: Promise<string>
  #read = Buffer.alloc(0)

  constructor(stream: Stream) {
    this.stream = stream
    this.ended = new Promise(resolve => {
      stream.addEventListener('close', () => resolve(stream.status))
      if (stream.status !== 'open') resolve(stream.status)
    })
    stream.addEventListener('message', ({ data }) => {
      const { frames, rest } = unframed(Buffer.concat([this.#read, data.subarray()]), FRAME_MAX_BYTES)
      this.#read = Buffer.from(rest)
      for (const frame of frames) this.frames.push(readFrame(frame))
    })
  }

  hello({ label, epoch }: Pick<Attacker, 'label' | 'epoch'>): void {
    const kinds = ['message', 'host', 'broadcast', 'route', 'skip']
    this.say({
      type: 'hello',
      hello: { version: 1, kinds, maxFrameBytes: FRAME_MAX_BYTES, epoch, timeMs: Date.now(), admitted: true, label }
    })
  }

  /** Bytes as they are; in silence where the stream is gone. */
  raw(bytes: Uint8Array): void {
    if (this.stream.status === 'open') this.stream.send(bytes)
  }

  say(...frames: ShownFrame[]): void {
    this.raw(Buffer.concat(frames.map(frame => framed(writeFrame(frame)))))
  }

  send(...envelopes: Sealed[]): void {
    const hex = (bytes: Buffer): string => bytes.toString('hex')
    for (const { signed, sig, sides, path } of envelopes)
      this.say({ type: 'envelope', envelope: { signed: hex(signed), sig: hex(sig), sides, path: path.map(hex) } })
  }

  get receipts(): ShownReceipt[] {
    return this.frames.flatMap(frame => (frame.type === 'receipts' ? frame.receipts : []))
  }

  /** Outcomes and reasons that were said of this envelope so far. */
  verdicts(id: string): string[] {
    return this.receipts.filter(receipt => receipt.id === id).map(({ outcome, reason }) => `${outcome} ${reason}`)
  }

  /** Waits until this was said of the envelope. */
  async told(id: string, verdict: string): Promise<void> {
    await until(
      () => this.verdicts(id).includes(verdict),
      () => `expected "${verdict}", was told ${JSON.stringify(this.verdicts(id))}; the link is ${this.stream.status}`
    )
  }

  /** The envelopes that came and have a text. */
  get envelopes(): Sealed[] {
    return this.frames
      .filter(frame => frame.type === 'envelope')
      .map(({ envelope }) => ({
        signed: Buffer.from(envelope.signed, 'hex'),
        sig: Buffer.from(envelope.sig, 'hex'),
        sides: envelope.sides,
        path: envelope.path.map(hash => Buffer.from(hash, 'hex'))
      }))
  }

  /** Waits for the other side's hello; resolves with whether it admits us. */
  async greeted(): Promise<boolean> {
    await until(
      () => this.frames.length > 0,
      () => `no hello came; the link is ${this.stream.status}`
    )
    const [first] = this.frames
    return first?.type === 'hello' && first.hello.admitted
  }
}

export function fingerprintOf(peerId: string): string {
  return fingerprintText(fingerprintBytes(keyInPeerId(peerId) ?? Buffer.alloc(0)))
}

/** Signs bytes that need not be a signed part at all. */
export function sealBytes(signed: Buffer, key: KeyPair): Sealed {
  return { signed, sig: key.sign(bytesToSign(rootOf({ signed, sides: 0, path: [] }))), sides: 0, path: [] }
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const endMs = performance.now() + WAIT_MAX_MS
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(what())
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
}
