import type { Connection, Stream } from '@libp2p/interface'
import { MeshError } from '../mesh/errors.ts'
import type { Gauge, Log } from '../mesh/ports.ts'
import { encodeFrame, type Frame, type Hello } from '../protocol/index.ts'
import { Link, type LinkEvents, type LinkInit } from './link.ts'
import { isRelayed } from './paths.ts'
import { LINK_PROTOCOL } from './protocols.ts'
import type { Strikes } from './strikes.ts'

/** Streams of one peer, both ways: one, a second while both sides open at once, and their successors after a break. */
export const LINK_STREAMS_MAX = 8

/** Peers with a link or on their way to one; the connection manager keeps fewer connections than this. */
const PEERS_MAX = 256

/** A link older than this was not opened at the same time as a new one: the peer has lost it. */
const SIMULTANEOUS_MS = 10_000

/** The opener of a link that must give way does so at once. If it does not, it has never seen the other one. */
const GIVE_WAY_MS = 3_000

export interface LinksHandler {
  hello(peer: string): Hello
  up(connection: Connection, hello: Hello): void
  /** The link runs over another connection: nothing on it is lost. */
  moved(from: Connection, to: Connection): void
  down(peer: string): void
  refused(peer: string, hello: Hello): void
  frame(peer: string, frame: Exclude<Frame, { type: 'hello' }>): void
  drained(peer: string): void
}

export interface LinksInit extends Omit<LinkInit, 'openedByUs' | 'hello'> {
  simultaneousMs?: number
  giveWayMs?: number
}

interface Entry {
  /** Every stream of this peer that has not ended. */
  links: Set<Link>
  /** The one that frames are sent on. */
  current: Link | undefined
  /** What the last one ran over. */
  over: Connection | undefined
  /** Whether the handler was told of a link; for a moment there may be none. */
  up: boolean
  /** All links are being ended. */
  ending: boolean
  /** Set once `current` is too old to have been opened together with a new one. */
  settled: boolean
  timers: Set<NodeJS.Timeout>
  linked: PromiseWithResolvers<void>
  opening: { connection: Connection; done: Promise<void> } | undefined
}

/**
 * The links of this node: one per peer, whoever opened it.
 *
 * When both sides open at once, the stream that the lower peer id opened stays and the opener of the other one gives way; what is on
 * its way there is still read. A straight connection goes before one through a relay, whoever opened it, and takes over from it whenever it comes. The two
 * run over different connections, so the end of the one may overtake the hello of the other: a link is not said down while its successor is still
 * being greeted. A link that was replaced or broke with frames on it is said down and up again, so that the mesh sends anew what has no receipt.
 */
export class Links implements LinkEvents {
  readonly #self: string
  readonly #log: Log
  readonly #strikes: Strikes
  readonly #handler: LinksHandler
  readonly #init: LinksInit
  readonly #entries = new Map<string, Entry>()

  constructor(components: { self: string; log: Log; strikes: Strikes; handler: LinksHandler }, init: LinksInit = {}) {
    this.#self = components.self
    this.#log = components.log
    this.#strikes = components.strikes
    this.#handler = components.handler
    this.#init = init
  }

  linked(peer: string): boolean {
    return this.#entries.get(peer)?.current !== undefined
  }

  send(peer: string, frame: Frame): boolean {
    return this.#entries.get(peer)?.current?.send(encodeFrame(frame)) ?? false
  }

  /** A peer opened a stream to us. */
  accept(stream: Stream, connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const entry = this.#entry(peer)
    if (entry === undefined || entry.links.size >= LINK_STREAMS_MAX || this.#strikes.out(peer)) {
      stream.abort(new Error('no more links for this peer'))
      if (entry !== undefined) this.#sweep(peer, entry)
      return
    }
    this.#start(entry, stream, connection, false)
  }

  /**
   * Resolves when frames can flow, over whichever stream.
   *
   * @throws MeshError `refused_by_peer`, `not_trusted`, `dial_failed`
   */
  async open(connection: Connection, options: { signal: AbortSignal }): Promise<void> {
    const peer = connection.remotePeer.toString()
    const entry = this.#entry(peer)
    if (entry === undefined) throw new MeshError('dial_failed', { peer, retryable: true, detail: 'too many peers' })
    if (entry.current !== undefined && !isUpgrade(entry.current.connection, connection)) return
    if (entry.opening !== undefined && isUpgrade(entry.opening.connection, connection)) {
      // What it opens on the way through a relay is not what is wanted; how it ends does not matter.
      await entry.opening.done.catch(() => undefined)
      return await this.open(connection, options)
    }
    entry.opening ??= {
      connection,
      done: this.#open(entry, connection, options).finally(() => {
        entry.opening = undefined
        this.#sweep(peer, entry)
      })
    }
    await Promise.race([entry.opening.done, entry.linked.promise])
  }

  /** Ends every stream of the peer; what is queued is still written where the peer reads. */
  drop(peer: string): void {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    this.#endAll(entry, link => link.retire())
    this.#follow(entry, peer, { lost: false })
  }

  /** The peer has no connection any more. */
  lost(peer: string): void {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    this.#endAll(entry, link => link.abort(new Error('the connection is gone')))
    this.#follow(entry, peer, { lost: true })
  }

  /** Connection that frames to this peer take. */
  connectionOf(peer: string): Connection | undefined {
    return this.#entries.get(peer)?.current?.connection
  }

  peers(): string[] {
    return [...this.#entries.keys()]
  }

  gauges(): Gauge[] {
    const streams = [...this.#entries.values()].reduce((sum, entry) => sum + entry.links.size, 0)
    return [
      { name: 'peers with streams', size: this.#entries.size, max: PEERS_MAX },
      { name: 'link streams', size: streams, max: PEERS_MAX * LINK_STREAMS_MAX }
    ]
  }

  ready(link: Link, hello: Hello): void {
    const entry = this.#entries.get(link.peer)
    if (entry === undefined) return
    const { current } = entry
    if (current === undefined) {
      if (entry.up) this.#succeed(entry, link)
      else {
        this.#use(entry, link)
        this.#say(entry, link, hello)
      }
    } else if (isUpgrade(current.connection, link.connection)) {
      this.#succeed(entry, link)
      current.retire()
    } else if (!entry.settled && isUpgrade(link.connection, current.connection)) {
      link.retire()
    } else if (entry.settled || link.openedByUs === current.openedByUs) {
      this.#log.debug('link replaced', { peer: link.peer })
      this.#switch(entry, link)
      current.retire()
    } else if (link.openedByUs === this.#lower(link.peer)) {
      // Room on the one that gives way is never told of: who waits for it would wait for ever.
      const { refused } = current
      this.#use(entry, link)
      current.retire()
      if (refused) this.#handler.drained(link.peer)
    } else if (link.openedByUs) {
      link.retire()
    } else {
      this.#awaitGivingWay(entry, link)
    }
  }

  refused(link: Link, hello: Hello): void {
    this.#handler.refused(link.peer, hello)
  }

  frame(link: Link, frame: Exclude<Frame, { type: 'hello' }>): void {
    this.#handler.frame(link.peer, frame)
  }

  drained(link: Link): void {
    if (this.#entries.get(link.peer)?.current === link) this.#handler.drained(link.peer)
  }

  malformed(link: Link, code: string): void {
    const strikes = this.#strikes.add(link.peer)
    this.#log.warn('peer sent what no peer sends', { peer: link.peer, code, strikes })
  }

  leaving(link: Link): void {
    const entry = this.#entries.get(link.peer)
    if (entry === undefined) return
    if (entry.current === link) this.#use(entry, undefined)
    this.#follow(entry, link.peer, { lost: false })
  }

  ended(link: Link, whole: boolean): void {
    const entry = this.#entries.get(link.peer)
    if (entry === undefined) return
    entry.links.delete(link)
    if (entry.current === link) this.#use(entry, undefined)
    this.#follow(entry, link.peer, { lost: !whole && link.carried })
    this.#sweep(link.peer, entry)
  }

  async #open(entry: Entry, connection: Connection, { signal }: { signal: AbortSignal }): Promise<void> {
    const peer = connection.remotePeer.toString()
    const stream = await connection.newStream(LINK_PROTOCOL, { signal, runOnLimitedConnection: true })
    const greeting = await this.#start(entry, stream, connection, true).greeted
    if (entry.current !== undefined) return
    if (greeting === 'refused') throw new MeshError('refused_by_peer', { peer, reason: 'not_admitted' })
    if (greeting === 'untrusted') throw new MeshError('not_trusted', { peer })
    throw new MeshError('dial_failed', { peer, retryable: true, detail: 'the link broke before it was up' })
  }

  #start(entry: Entry, stream: Stream, connection: Connection, openedByUs: boolean): Link {
    const hello = this.#handler.hello(connection.remotePeer.toString())
    const link = new Link({ stream, connection, log: this.#log, events: this }, { ...this.#init, openedByUs, hello })
    entry.links.add(link)
    link.start()
    return link
  }

  /** Are we the side whose stream stays? */
  #lower(peer: string): boolean {
    return this.#self < peer
  }

  #use(entry: Entry, link: Link | undefined): void {
    entry.current = link
    entry.settled = false
    for (const timer of entry.timers) clearTimeout(timer)
    entry.timers.clear()
    if (link === undefined) {
      entry.linked = Promise.withResolvers<void>()
      return
    }
    entry.over = link.connection
    entry.linked.resolve()
    this.#after(entry, this.#init.simultaneousMs ?? SIMULTANEOUS_MS, () => {
      entry.settled = true
    })
  }

  /** Takes over where the link before it stopped, frames that were refused in between included. */
  #succeed(entry: Entry, link: Link): void {
    const { over } = entry
    this.#use(entry, link)
    if (over !== undefined && over !== link.connection) this.#handler.moved(over, link.connection)
    this.#handler.drained(link.peer)
  }

  /** None of them takes over from another on the way. */
  #endAll(entry: Entry, end: (link: Link) => void): void {
    entry.ending = true
    for (const link of [...entry.links]) end(link)
    entry.ending = false
  }

  /** A link ended or takes no more frames: another one takes over, or is waited for, or there is none. */
  #follow(entry: Entry, peer: string, { lost }: { lost: boolean }): void {
    if (entry.ending) return
    const { current } = entry
    const next = current ?? [...entry.links].find(link => link.ready)
    if (next !== undefined) {
      if (lost || next !== current) this.#switch(entry, next)
    } else if (entry.up && (lost || ![...entry.links].some(link => link.greeting))) {
      entry.up = false
      this.#handler.down(peer)
    }
  }

  /** Another stream takes over, and frames may have been lost with the one before. */
  #switch(entry: Entry, link: Link): void {
    const { hello } = link
    if (hello === undefined) return
    this.#use(entry, link)
    if (entry.up) this.#handler.down(link.peer)
    this.#say(entry, link, hello)
  }

  #say(entry: Entry, link: Link, hello: Hello): void {
    entry.up = true
    this.#handler.up(link.connection, hello)
  }

  /** Both hellos passed on the peer's stream, yet ours stays: the peer closes its own, unless it never saw ours. */
  #awaitGivingWay(entry: Entry, link: Link): void {
    this.#after(entry, this.#init.giveWayMs ?? GIVE_WAY_MS, () => {
      const { current } = entry
      if (!link.ready || current === undefined) return
      this.#switch(entry, link)
      current.retire()
    })
  }

  #after(entry: Entry, ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      entry.timers.delete(timer)
      work()
    }, ms).unref()
    entry.timers.add(timer)
  }

  #entry(peer: string): Entry | undefined {
    let entry = this.#entries.get(peer)
    if (entry === undefined && this.#entries.size < PEERS_MAX) {
      entry = {
        links: new Set(),
        current: undefined,
        over: undefined,
        settled: false,
        timers: new Set(),
        up: false,
        ending: false,
        linked: Promise.withResolvers<void>(),
        opening: undefined
      }
      this.#entries.set(peer, entry)
    }
    return entry
  }

  #sweep(peer: string, entry: Entry): void {
    if (entry.links.size > 0 || entry.opening !== undefined || this.#entries.get(peer) !== entry) return
    this.#entries.delete(peer)
  }
}

/** Both sides of a connection know whether it runs through a relay, so both decide alike. */
function isUpgrade(from: Connection, to: Connection): boolean {
  return isRelayed(from.remoteAddr.toString()) && !isRelayed(to.remoteAddr.toString())
}
