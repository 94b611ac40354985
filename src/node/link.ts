import type { Connection, Stream } from '@libp2p/interface'
import type { Log } from '../mesh/ports.ts'
import { decodeFrame, encodeFrame, FRAME_MAX_BYTES, type Frame, type Hello, ProtocolError } from '../protocol/index.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'

/** Both hellos are on the wire as soon as the stream is: a slower peer is a dead or a hostile one (S-10). */
const HELLO_MS = 5_000

/** A frame of 64 KiB takes well under this on the slowest path that is of any use (S-10). */
const FRAME_MS = 10_000

/** How long a link that gave way may take to hand over what is on it. */
const DRAIN_MS = 10_000

/**
 * greeting: hellos under way. ready: frames flow. closing: writes nothing new, still reads. ended: the stream is gone.
 */
type LinkState = 'greeting' | 'ready' | 'closing' | 'ended'

/** What a greeting came to. `untrusted`: the peer admits us, we do not admit it. */
export type Greeting = 'ready' | 'refused' | 'untrusted' | 'failed'

export interface LinkEvents {
  ready(link: Link, hello: Hello): void
  refused(link: Link, hello: Hello): void
  frame(link: Link, frame: Exclude<Frame, { type: 'hello' }>): void
  drained(link: Link): void
  malformed(link: Link, code: string): void
  /** It was ready and takes no more frames. */
  leaving(link: Link): void
  /** The stream is gone. `whole`: both sides closed after all that they had to say; otherwise frames may be lost. */
  ended(link: Link, whole: boolean): void
}

export interface LinkInit {
  openedByUs: boolean
  /** What we say; `admitted: false` ends the stream once both hellos were exchanged. */
  hello: Hello
  helloMs?: number
  frameMs?: number
  drainMs?: number
  bufferMaxBytes?: number
  stallMs?: number
}

/** One stream of `/libp2p-mesh/1.0.0`: hello first, then envelopes and receipts both ways. */
export class Link {
  readonly peer: string
  readonly connection: Connection
  readonly openedByUs: boolean
  /** Settles with the end of the greeting; never rejects. */
  readonly greeted: Promise<Greeting>
  readonly #stream: Stream
  readonly #log: Log
  readonly #events: LinkEvents
  readonly #init: LinkInit
  readonly #reader: FrameReader
  readonly #writer: FrameWriter
  readonly #settleGreeting: (greeting: Greeting) => void
  #state: LinkState = 'greeting'
  #carried = false
  #theirs: Hello | undefined
  #deadline: NodeJS.Timeout | undefined
  #drainDeadline: NodeJS.Timeout | undefined
  #readAll = false

  constructor(components: { stream: Stream; connection: Connection; log: Log; events: LinkEvents }, init: LinkInit) {
    this.#stream = components.stream
    this.connection = components.connection
    this.peer = components.connection.remotePeer.toString()
    this.#log = components.log
    this.#events = components.events
    this.#init = init
    this.openedByUs = init.openedByUs
    const { promise, resolve } = Promise.withResolvers<Greeting>()
    this.greeted = promise
    this.#settleGreeting = resolve
    this.#reader = new FrameReader({ maxBytes: FRAME_MAX_BYTES })
    this.#writer = new FrameWriter(
      { stream: this.#stream },
      {
        ...(init.bufferMaxBytes !== undefined && { bufferMaxBytes: init.bufferMaxBytes }),
        ...(init.stallMs !== undefined && { stallMs: init.stallMs }),
        onDrained: () => this.#state === 'ready' && this.#events.drained(this),
        onFailed: error => this.abort(error)
      }
    )
  }

  /** The peer's hello, once the link is ready. */
  get hello(): Hello | undefined {
    return this.#theirs
  }

  /** The hellos are under way. */
  get greeting(): boolean {
    return this.#state === 'greeting'
  }

  get ready(): boolean {
    return this.#state === 'ready'
  }

  /** True once frames could have been on it. */
  get carried(): boolean {
    return this.#carried
  }

  /** A frame was refused for want of room, and `drained` has not followed yet. */
  get refused(): boolean {
    return this.#writer.refused
  }

  /** Says hello and listens. */
  start(): void {
    if (this.#stream.status !== 'open') {
      this.#onClose()
      return
    }
    this.#stream.addEventListener('close', () => this.#onClose())
    this.#stream.addEventListener('remoteCloseWrite', () => this.#onRemoteEnd())
    this.#stream.addEventListener('message', event => this.#onData(event.data))
    this.#deadline = setTimeout(() => this.abort(new Error('no hello from the peer')), this.#init.helloMs ?? HELLO_MS)
    this.#writer.write(encodeFrame({ type: 'hello', hello: this.#init.hello }))
  }

  /** Queues an encoded frame. False when the buffer is full (`drained` follows) or the link is not ready. */
  send(frame: Uint8Array): boolean {
    return this.#state === 'ready' && this.#writer.write(frame)
  }

  /** Gives way: what is queued is still written, what the peer wrote is still read, then the stream ends. */
  retire(): void {
    if (this.#state === 'closing' || this.#state === 'ended') return
    this.#state = 'closing'
    this.#settleGreeting('failed')
    const drainMs = this.#init.drainMs ?? DRAIN_MS
    this.#drainDeadline = setTimeout(() => this.abort(new Error('the link did not drain')), drainMs)
    this.#writer.close().catch((error: unknown) => this.abort(asError(error)))
    this.#events.leaving(this)
  }

  abort(error: Error): void {
    if (this.#state === 'ended') return
    this.#log.debug('link aborted', { peer: this.peer, reason: error.message })
    this.#stream.abort(error)
    this.#onClose()
  }

  #onData(chunk: Parameters<FrameReader['push']>[0]): void {
    if (this.#state === 'ended') return
    let frames = 0
    try {
      this.#reader.push(chunk, bytes => {
        frames++
        this.#onFrame(bytes)
      })
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#events.malformed(this, error.code)
      this.abort(error)
      return
    }
    this.#watchFrame(frames)
  }

  /** A frame that has begun has its own deadline, from the chunk in which it began. */
  #watchFrame(finished: number): void {
    if (this.#theirs === undefined || this.#state === 'ended') return
    if (!this.#reader.partial) {
      clearTimeout(this.#deadline)
      this.#deadline = undefined
    } else if (this.#deadline === undefined || finished > 0) {
      clearTimeout(this.#deadline)
      const unfinished = (): void => this.abort(new Error('the peer did not finish its frame'))
      this.#deadline = setTimeout(unfinished, this.#init.frameMs ?? FRAME_MS)
    }
  }

  #onFrame(bytes: Uint8Array): void {
    if (this.#state === 'ended') return
    const frame = this.#decode(bytes)
    if (this.#theirs === undefined) {
      if (frame?.type !== 'hello') throw new ProtocolError('frame_malformed', 'the first frame is not a hello')
      this.#onHello(frame.hello)
    } else if (frame?.type === 'hello') {
      throw new ProtocolError('frame_malformed', 'a second hello')
    } else if (frame !== undefined && this.#theirs.admitted && this.#init.hello.admitted) {
      this.#events.frame(this, frame)
    }
  }

  /** A kind of frame that a later version invented is skipped: it says nothing that this version needs. */
  #decode(bytes: Uint8Array): Frame | undefined {
    try {
      return decodeFrame(bytes)
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'frame_unknown') throw error
      this.#log.debug('frame of an unknown kind skipped', { peer: this.peer, bytes: bytes.length })
      return undefined
    }
  }

  #onHello(hello: Hello): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    // Every version 1 reads 64 KiB; whoever reads less could not be sent all that we accepted for it.
    if (hello.maxFrameBytes < FRAME_MAX_BYTES) throw new ProtocolError('frame_malformed', 'the peer reads too little')
    this.#theirs = hello
    if (!hello.admitted) {
      this.#settleGreeting('refused')
      this.#events.refused(this, hello)
      this.retire()
    } else if (!this.#init.hello.admitted) {
      this.#settleGreeting('untrusted')
      this.retire()
    } else if (this.#state === 'greeting') {
      this.#state = 'ready'
      this.#carried = true
      this.#settleGreeting('ready')
      this.#events.ready(this, hello)
    }
  }

  #onRemoteEnd(): void {
    this.#readAll = true
    // What came before the end may still wait in the stream for its reader.
    if (this.#state !== 'ended') this.retire()
  }

  #onClose(): void {
    if (this.#state === 'ended') return
    const whole =
      this.#state === 'closing' && this.#readAll && !this.#reader.partial && this.#stream.status === 'closed'
    const written = this.#writer.waitingBytes === 0
    this.#state = 'ended'
    clearTimeout(this.#deadline)
    clearTimeout(this.#drainDeadline)
    this.#writer.end()
    this.#settleGreeting('failed')
    this.#events.ended(this, whole && written)
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the stream failed', { cause: error })
}
