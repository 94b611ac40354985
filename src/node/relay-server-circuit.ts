import { type Stream, StreamMessageEvent } from '@libp2p/interface'
import type { Charged, Spent } from './relay-server-meter.ts'
import type { Ending } from './relay-server-report.ts'

/**
 * What one direction may hold that the other side has not taken yet. libp2p's relay reads as fast as one side sends, whether the other takes it or not;
 * without a bound a slow reader costs memory without end.
 */
const WAITING_MAX_BYTES = 1024 * 1024
const WAITING_LOW_BYTES = 256 * 1024

/** A paused stream may still be sent a whole window, which is at most this for yamux; libp2p resets one that holds more than 4 MiB. */
const WINDOW_MAX_BYTES = 16 * 1024 * 1024

/** A side that closed politely may have sent more than the other has taken yet: the time for that. */
const LINGER_MS = 10_000

export interface CircuitInit extends Charged {
  /** From where the dialler came. */
  host: string
  /** Counts bytes before they go through, as far as there are shares left; says whose share is used up. */
  charge(bytes: number): Spent | undefined
  /** Called once, whoever ended it. */
  onEnd(circuit: Circuit): void
}

/** A connection between two others: the stream of who dialled and the one to who holds a reservation. */
export class Circuit {
  readonly holder: string
  readonly dialler: string
  readonly stranger: boolean
  readonly host: string
  /** Why this relay ended it, where it did. */
  ended: Ending | undefined
  /** Carried so far, both directions. */
  bytes = 0
  readonly #init: CircuitInit
  readonly #near: Stream
  #far: Stream | undefined
  #open = true

  /** @param near the stream of the dialler */
  constructor(near: Stream, init: CircuitInit) {
    this.holder = init.holder
    this.dialler = init.dialler
    this.stranger = init.stranger
    this.host = init.host
    this.#init = init
    this.#near = near
  }

  /** The way to the holder. From here on both streams are counted. */
  join(far: Stream): void {
    this.#far = far
    this.#tap(this.#near, far)
    this.#tap(far, this.#near)
    for (const stream of [this.#near, far]) {
      stream.addEventListener('close', ({ error }) => this.#close(error))
      if (stream.status !== 'open') this.#close()
    }
  }

  /** Whether both ways are open and the holder took the call. */
  get carries(): boolean {
    const far = this.#far
    return this.#open && far?.status === 'open' && far.writeStatus === 'writable' && this.#near.status === 'open'
  }

  /** @param reason where this relay decided it */
  cut(reason?: Ending): void {
    if (!this.#open) return
    this.ended = reason
    this.#close(new Error(`the relay ended the circuit: ${reason ?? 'not taken'}`))
  }

  #close(error?: Error): void {
    if (!this.#open) return
    this.#open = false
    if (error === undefined) setTimeout(() => this.#abort(new Error('the other side closed')), LINGER_MS).unref()
    else this.#abort(error)
    this.#init.onEnd(this)
  }

  #abort(error: Error): void {
    this.#near.abort(error)
    this.#far?.abort(error)
  }

  /** Counts what arrives from one side and goes to the other, and lets nobody send faster than the other takes it. */
  #tap(from: Stream, to: Stream): void {
    let taken = 0
    // What was read and is with neither side's network yet: in the hands of libp2p's relay, or of the stream to the other side.
    const waiting = (): number => taken + to.writeBufferLength
    const resume = (): void => {
      if (from.readStatus === 'paused' && waiting() < WAITING_LOW_BYTES) from.resume()
    }
    from.maxReadBufferLength = WINDOW_MAX_BYTES
    const dispatch = from.dispatchEvent.bind(from)
    from.dispatchEvent = event => {
      const result = dispatch(event)
      if (event instanceof StreamMessageEvent) {
        taken += event.data.byteLength
        if (from.readStatus === 'readable' && waiting() > WAITING_MAX_BYTES) from.pause()
      }
      return result
    }
    const send = to.send.bind(to)
    to.send = data => {
      const { byteLength } = data
      taken = Math.max(0, taken - byteLength)
      // After a pause one piece may be many MiB: what goes past a share is not sent. Nobody waits for room on a stream that was cut.
      if (this.#spends(byteLength)) return true
      const more = send(data)
      resume()
      return more
    }
    to.addEventListener('idle', resume)
  }

  #spends(bytes: number): boolean {
    const spent = this.#init.charge(bytes)
    if (spent === undefined) this.bytes += bytes
    else this.cut(spent)
    return spent !== undefined
  }
}
