import { MeshError } from '../../src/mesh/errors.ts'
import type { AbortOptions, Connected, Gauge, Network, NetworkHandler, Path } from '../../src/mesh/ports.ts'
import type { Frame, Hello, PairAnswer, PairBody } from '../../src/protocol/index.ts'
import {
  decodeFrame,
  decodePairFrame,
  encodeFrame,
  encodePairFrame,
  pairBodyOf,
  pairRequestOf
} from '../../src/protocol/index.ts'
import { FakeDiagnostics } from './diagnostics.ts'

/** Real turns of the event loop even where a test fakes the timers. */
const nextTurn = setImmediate

/** As the real link: what may wait for a peer that does not read. */
const BUFFER_MAX_BYTES = 1024 * 1024

/** Ports of the fake addresses; nothing listens there. */
const PORT_FIRST = 4001

/** One direction of a link. */
interface Lane {
  queue: Uint8Array[]
  bytes: number
  wantsDrain: boolean
}

/** A connection between two nodes of the hub; `linked` once both admitted each other. */
interface Pair {
  peers: [string, string]
  path: Path
  linked: boolean
  lanes: Map<string, Lane>
}

const keyOf = (one: string, other: string): string => [one, other].sort().join(' ')
const wayOf = (from: string, to: string): string => `${from}>${to}`

/**
 * The world between fake networks. Frames are encoded and decoded on the way and arrive a turn of the event loop later, in order.
 *
 * `cut` drops the connection with all frames in flight and refuses new ones until `mend`; `hold` makes a reader stop reading, so the
 * sender's buffer fills; `lose` swallows frames while the link stays up; `reroute` moves it to another path; `discover` is an mDNS hit.
 */
export class FakeHub {
  readonly path: Path
  readonly #nodes = new Map<string, FakeNetwork>()
  readonly #pairs = new Map<string, Pair>()
  readonly #cuts = new Set<string>()
  readonly #held = new Set<string>()
  readonly #lossy = new Set<string>()
  #pending = 0

  constructor(init: { path?: Path } = {}) {
    this.path = init.path ?? 'lan'
  }

  node(peer: string, init: FakeNetworkInit = {}): FakeNetwork {
    // A node that comes back listens where it did.
    const known = [...this.#nodes.keys()].indexOf(peer)
    const port = PORT_FIRST + (known < 0 ? this.#nodes.size : known)
    const addresses = init.addresses ?? [`/ip4/127.0.0.1/tcp/${port}/p2p/${peer}`]
    const node = new FakeNetwork({ hub: this, peer }, { ...init, addresses })
    this.#nodes.set(peer, node)
    return node
  }

  nodeOf(peer: string): FakeNetwork {
    const node = this.#nodes.get(peer)
    if (node === undefined) throw new Error('no such node')
    return node
  }

  cut(one: string, other: string): void {
    this.#cuts.add(keyOf(one, other))
    this.drop(one, other)
  }

  mend(one: string, other: string): void {
    this.#cuts.delete(keyOf(one, other))
  }

  /** Ends the connection now; a new one may be made at once. */
  drop(one: string, other: string): void {
    const pair = this.#pairs.get(keyOf(one, other))
    if (pair === undefined) return
    this.#pairs.delete(keyOf(one, other))
    this.#end(pair, true)
  }

  /** Ends the link and keeps the connection. */
  unlink(one: string, other: string): void {
    const pair = this.#pairs.get(keyOf(one, other))
    if (pair !== undefined) this.#end(pair, false)
  }

  /** `to` stops reading what `from` sends. */
  hold(from: string, to: string): void {
    this.#held.add(wayOf(from, to))
  }

  release(from: string, to: string): void {
    this.#held.delete(wayOf(from, to))
    const pair = this.#pairs.get(keyOf(from, to))
    if (pair !== undefined) this.#deliverSoon(pair, from, to)
  }

  /** Frames from `from` to `to` vanish on the way until `lossy` is false again. */
  lose(from: string, to: string, lossy = true): void {
    if (lossy) this.#lossy.add(wayOf(from, to))
    else this.#lossy.delete(wayOf(from, to))
  }

  /** The connection of both runs by another way from now on. */
  reroute(one: string, other: string, path: Path): void {
    const pair = this.pairOf(one, other)
    if (pair === undefined) throw new Error('no connection')
    pair.path = path
    if (!pair.linked) return
    this.#nodes.get(one)?.handler?.pathChanged(other, path)
    this.#nodes.get(other)?.handler?.pathChanged(one, path)
  }

  discover(seer: string, seen: string): void {
    const target = this.#nodes.get(seen)
    if (target !== undefined) this.#nodes.get(seer)?.handler?.discovered(seen, target.addresses())
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    do await this.turn()
    while (this.#pending > 0)
  }

  turn(): Promise<void> {
    return new Promise(resolve => nextTurn(resolve))
  }

  /** @internal */
  addressOf(peer: string): string {
    return this.#nodes.get(peer)?.addresses()[0] ?? ''
  }

  /** @internal */
  pairOf(one: string, other: string): Pair | undefined {
    return this.#pairs.get(keyOf(one, other))
  }

  /** @internal */
  pairsOf(peer: string): Pair[] {
    return [...this.#pairs.values()].filter(pair => pair.peers.includes(peer))
  }

  /** @internal */
  connect(from: FakeNetwork, peer: string, addresses: string[]): void {
    const target = this.#nodes.get(peer)
    let pair = this.pairOf(from.peer, peer)
    if (pair?.linked === true) return
    if (from.handler === undefined || target?.handler === undefined || this.#cuts.has(keyOf(from.peer, peer))) {
      throw new MeshError('dial_failed', { peer, retryable: true })
    }
    if (pair === undefined) {
      pair = this.#open(from, target, addresses)
    }
    this.#link(pair, from, target)
  }

  /** @internal */
  async ask(from: FakeNetwork, peer: string, addresses: string[], body: PairBody): Promise<PairAnswer> {
    const target = this.#nodes.get(peer)
    if (from.handler === undefined || target?.handler === undefined || this.#cuts.has(keyOf(from.peer, peer))) {
      throw new MeshError('dial_failed', { peer, retryable: true })
    }
    if (this.pairOf(from.peer, peer) === undefined) this.#open(from, target, addresses)
    const request = decodePairFrame(encodePairFrame(pairRequestOf(body)))
    const read = request.type === 'request' ? pairBodyOf(request) : undefined
    if (read === undefined) return { accepted: false, reason: 'unsupported', label: '' }
    const answer = await target.handler.asked(from.peer, this.addressOf(from.peer), read)
    await this.turn()
    const frame = decodePairFrame(encodePairFrame({ type: 'answer', ...answer }))
    if (frame.type !== 'answer') throw new MeshError('internal', { detail: 'an answer became a request' })
    return frame
  }

  #open(from: FakeNetwork, target: FakeNetwork, addresses: string[]): Pair {
    const { peer } = target
    const bare = (address: string): string => address.replace(`/p2p/${peer}`, '')
    const own = new Set(target.addresses().map(bare))
    if (!addresses.some(address => own.has(bare(address))))
      throw new MeshError('dial_failed', { peer, retryable: true, detail: 'no address of this peer' })
    const pair: Pair = { peers: [from.peer, peer], path: this.path, linked: false, lanes: new Map() }
    this.#pairs.set(keyOf(from.peer, peer), pair)
    from.handler?.connected(peer, this.path, this.addressOf(peer))
    target.handler?.connected(from.peer, this.path, this.addressOf(from.peer))
    return pair
  }

  /** @internal */
  transmit(from: string, to: string, frame: Frame): boolean {
    const pair = this.pairOf(from, to)
    if (pair?.linked !== true) return false
    const lane = laneOf(pair, from)
    const bytes = encodeFrame(frame)
    if (lane.bytes + bytes.length > BUFFER_MAX_BYTES) {
      lane.wantsDrain = true
      return false
    }
    lane.queue.push(bytes)
    lane.bytes += bytes.length
    if (lane.queue.length === 1) this.#deliverSoon(pair, from, to)
    return true
  }

  /** @internal Members of the topic that both sides admit, with the carrier's own neighbours after them. */
  async gossip(origin: string, topic: string, data: Uint8Array): Promise<number> {
    const seen = new Set([origin])
    const neighbours = (peer: string): FakeNetwork[] =>
      this.pairsOf(peer)
        .map(pair => this.#nodes.get(pair.peers[0] === peer ? pair.peers[1] : pair.peers[0]))
        .filter(node => node?.handler?.hello(peer).admitted === true && node.topics.has(topic))
        .filter(node => node !== undefined && this.#nodes.get(peer)?.handler?.hello(node.peer).admitted === true)
        .filter(node => node !== undefined)
    const direct = neighbours(origin)
    const spread = async (carrier: string, members: FakeNetwork[]): Promise<void> => {
      for (const member of members) {
        if (seen.has(member.peer)) continue
        seen.add(member.peer)
        await this.turn()
        const verdict = await member.handler?.broadcast(carrier, topic, data.slice())
        if (verdict === 'accept') await spread(member.peer, neighbours(member.peer))
      }
    }
    this.#pending++
    void spread(origin, direct).finally(() => this.#pending--)
    return direct.length
  }

  #link(pair: Pair, from: FakeNetwork, target: FakeNetwork): void {
    const ours = sent(from.handler?.hello(target.peer))
    const theirs = sent(target.handler?.hello(from.peer))
    if (!theirs.admitted) from.handler?.refused(target.peer, theirs)
    if (!ours.admitted) target.handler?.refused(from.peer, ours)
    if (!theirs.admitted) throw new MeshError('refused_by_peer', { peer: target.peer, reason: 'not_admitted' })
    if (!ours.admitted) throw new MeshError('not_trusted', { peer: target.peer })
    pair.linked = true
    from.handler?.linkUp(target.peer, theirs, pair.path)
    target.handler?.linkUp(from.peer, ours, pair.path)
  }

  #end(pair: Pair, connection: boolean): void {
    const wasLinked = pair.linked
    pair.linked = false
    pair.lanes.clear()
    const [one, other] = pair.peers
    for (const [peer, remote] of [[one, other] as const, [other, one] as const]) {
      const handler = this.#nodes.get(peer)?.handler
      if (wasLinked) handler?.linkDown(remote)
      if (connection) handler?.disconnected(remote)
    }
  }

  #deliverSoon(pair: Pair, from: string, to: string): void {
    this.#pending++
    nextTurn(() => {
      this.#pending--
      this.#deliver(pair, from, to)
    })
  }

  #deliver(pair: Pair, from: string, to: string): void {
    const lane = pair.lanes.get(from)
    if (lane === undefined || !pair.linked || this.#held.has(wayOf(from, to))) return
    const frames = lane.queue.splice(0)
    lane.bytes = 0
    if (!this.#lossy.has(wayOf(from, to))) {
      for (const bytes of frames) {
        const frame = decodeFrame(bytes)
        const handler = this.#nodes.get(to)?.handler
        if (frame.type === 'envelope') handler?.envelope(from, frame.envelope)
        if (frame.type === 'receipts') handler?.receipts(from, frame.receipts)
      }
    }
    if (lane.wantsDrain && pair.linked) {
      lane.wantsDrain = false
      this.#nodes.get(from)?.handler?.drained(to)
    }
  }
}

export interface FakeNetworkInit {
  addresses?: string[]
  topics?: string[]
  issues?: string[]
}

/** The Network port over a hub. The handler is set between start and stop. */
export class FakeNetwork implements Network {
  readonly peer: string
  readonly topics: Set<string>
  readonly diagnostics: FakeDiagnostics
  handler: NetworkHandler | undefined
  readonly #hub: FakeHub
  readonly #addresses: string[]
  readonly #issues: string[]

  constructor(components: { hub: FakeHub; peer: string }, init: FakeNetworkInit & { addresses: string[] }) {
    this.#hub = components.hub
    this.peer = components.peer
    this.topics = new Set(init.topics ?? ['mesh'])
    this.#addresses = init.addresses
    this.#issues = init.issues ?? []
    this.diagnostics = new FakeDiagnostics({
      pathTo: peer => this.connections().find(each => each.peer === peer)?.path
    })
  }

  async start(handler: NetworkHandler, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.handler = handler
  }

  async stop(): Promise<void> {
    for (const pair of this.#hub.pairsOf(this.peer)) this.#hub.drop(...pair.peers)
    this.handler = undefined
  }

  addresses(): string[] {
    return [...this.#addresses]
  }

  dialable(addresses: string[]): string[] {
    return [...addresses]
  }

  issues(): string[] {
    return [...this.#issues]
  }

  gauges(): Gauge[] {
    return []
  }

  async connect(peer: string, addresses: string[], options: AbortOptions = {}): Promise<void> {
    await this.#hub.turn()
    options.signal?.throwIfAborted()
    if (peer === this.peer) throw new MeshError('self_target', { peer })
    this.#hub.connect(this, peer, addresses)
  }

  async straighten(peer: string): Promise<void> {
    this.#hub.reroute(this.peer, peer, 'direct')
  }

  async ask(peer: string, addresses: string[], body: PairBody, options: AbortOptions = {}): Promise<PairAnswer> {
    await this.#hub.turn()
    options.signal?.throwIfAborted()
    if (peer === this.peer) throw new MeshError('self_target', { peer })
    return await this.#hub.ask(this, peer, addresses, body)
  }

  async disconnect(peer: string): Promise<void> {
    this.#hub.drop(this.peer, peer)
  }

  send(peer: string, frame: Frame): boolean {
    return this.#hub.transmit(this.peer, peer, frame)
  }

  connections(): Connected[] {
    return this.#hub.pairsOf(this.peer).map(pair => {
      const peer = pair.peers[0] === this.peer ? pair.peers[1] : pair.peers[0]
      const address = this.#hub.addressOf(peer)
      return { peer, path: pair.path, address, linked: pair.linked, rttMs: 1 }
    })
  }

  async publish(topic: string, data: Uint8Array): Promise<{ recipients: number }> {
    return { recipients: await this.#hub.gossip(this.peer, topic, data) }
  }
}

function laneOf(pair: Pair, from: string): Lane {
  let lane = pair.lanes.get(from)
  if (lane === undefined) {
    lane = { queue: [], bytes: 0, wantsDrain: false }
    pair.lanes.set(from, lane)
  }
  return lane
}

/** A hello as it comes out at the other end. */
function sent(hello: Hello | undefined): Hello {
  if (hello === undefined) throw new MeshError('dial_failed', { retryable: true })
  const frame = decodeFrame(encodeFrame({ type: 'hello', hello }))
  if (frame.type !== 'hello') throw new MeshError('internal', { detail: 'a hello became another frame' })
  return frame.hello
}
