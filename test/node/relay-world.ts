import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { Libp2p, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { RelayServer } from '../../src/node/relay-server.ts'
import { GATEWAY_RELAY_LIMITS, type RelayLimits } from '../../src/node/relay-server-limits.ts'
import type { RelayEvent } from '../../src/node/relay-server-report.ts'
import { FakeLog } from '../fakes/log.ts'

/** What clients speak to each other through the relay: what one sends comes back. */
const ECHO = '/echo/1'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

/** A relay with libp2p around it, and stock libp2p clients, on loopback. */
export class RelayWorld {
  readonly allowed = new Set<string>()
  readonly events: RelayEvent[] = []
  readonly log = new FakeLog()
  readonly relay: RelayServer
  nowMs = Date.UTC(2026, 0, 1, 12)
  readonly #nodes: Libp2p[] = []
  #node: Libp2p | undefined
  #address: string | undefined

  constructor(limits: Partial<RelayLimits> = {}) {
    this.relay = new RelayServer(
      { log: this.log, clock: { wallMs: () => this.nowMs } },
      {
        carries: peer => this.allowed.has(peer),
        limits: { ...GATEWAY_RELAY_LIMITS, ...limits },
        onEvent: event => this.events.push(event)
      }
    )
  }

  /** @param address of another relay, whose clients these are then */
  async start(address?: string): Promise<void> {
    this.#address = address
    if (address !== undefined) return
    this.#node = await createLibp2p({
      addresses: { listen: [LOOPBACK] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionManager: { inboundConnectionThreshold: 10_000 },
      services: { identify: identify(), relay: parts => this.relay.service(parts) }
    })
    this.#nodes.push(this.#node)
  }

  get node(): Libp2p {
    if (this.#node === undefined) throw new Error('not started')
    return this.#node
  }

  /** Where the relay listens, with its peer id. */
  get address(): string {
    return this.#address ?? `${this.node.getMultiaddrs()[0]}`
  }

  /** A libp2p that knows of no relays: quick to make, and quick to connect. */
  async bare(): Promise<Libp2p> {
    const node = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()]
    })
    this.#nodes.push(node)
    this.allowed.add(`${node.peerId}`)
    return node
  }

  /** A stock client. */
  async client(init: { allowed?: boolean } = {}): Promise<Libp2p> {
    const node = await createLibp2p({
      addresses: { listen: [LOOPBACK] },
      transports: [tcp(), circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() }
    })
    this.#nodes.push(node)
    await node.handle(ECHO, echo, { maxInboundStreams: 1_000 })
    if (init.allowed === true) this.allowed.add(`${node.peerId}`)
    return node
  }

  /** Asks for a slot as libp2p does; rejects where the relay refuses. */
  async reserve(node: Libp2p): Promise<void> {
    const { transportManager } = (node as unknown as { components: { transportManager: Listens } }).components
    await transportManager.listen([multiaddr(`${this.address}/p2p-circuit`)])
  }

  /** A client that holds a reservation. */
  async holder(): Promise<Libp2p> {
    const node = await this.client({ allowed: true })
    await this.reserve(node)
    return node
  }

  /** A stream to the holder through the relay. */
  async call(from: Libp2p, to: Libp2p): Promise<Stream> {
    return await from.dialProtocol(multiaddr(`${this.address}/p2p-circuit/p2p/${to.peerId}`), ECHO)
  }

  async end(): Promise<void> {
    await Promise.all(this.#nodes.map(async node => await node.stop()))
  }
}

interface Listens {
  listen(addresses: ReturnType<typeof multiaddr>[]): Promise<void>
}

async function echo(stream: Stream): Promise<void> {
  for await (const part of stream) if (!stream.send(part)) await stream.onDrain()
  await stream.close()
}

/** Sends bytes and waits until as many came back. */
export async function roundTrip(stream: Stream, bytes: number): Promise<void> {
  const back = (async () => {
    let left = bytes
    for await (const part of stream) {
      left -= part.byteLength
      if (left <= 0) return
    }
    throw new Error('the stream ended before everything came back')
  })()
  const part = new Uint8Array(32 * 1024)
  const sending = (async () => {
    for (let left = bytes; left > 0; left -= part.length)
      if (!stream.send(part.subarray(0, Math.min(left, part.length)))) await stream.onDrain()
  })()
  await Promise.all([back, sending])
}
