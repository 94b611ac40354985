import type { Writable } from 'node:stream'
import { jsonLine } from '../commands/index.ts'
import type { AbortOptions } from '../mesh/ports.ts'
import type { RelayLine } from './relay-lines.ts'

/** What the bare host prints, one JSON document a line. */
export type NodeEvent =
  | { event: 'ready'; peerId: string; instanceId: string; addresses: string[] }
  | { event: 'peer'; state: 'connected' | 'disconnected'; peerId: string; instanceId: string; path: string | null }
  | {
      event: 'message'
      id: string
      fromPeerId: string
      fromInstanceId: string
      conversation: string
      inReplyTo: string | null
      text: string
      /** A line with this id may have been printed before. */
      mayRepeat: boolean
    }
  | { event: 'broadcast'; id: string; topic: string; fromPeerId: string; fromInstanceId: string; text: string }
  | { event: 'notice'; text: string }

/** Lines that may wait for a slow reader. Messages beyond them stay in the store, the rest is best effort. */
const WAITING_MAX = 1000

/** A reader that has stalled must not keep a node from stopping; messages that it did not take come again at the next start. */
const DRAIN_MAX_MS = 500

/** Writes events to the stream that a program reads: whole lines, in order, `ready` before all others. */
export class JsonLines {
  readonly #stream: Writable
  readonly #closed = Promise.withResolvers<void>()
  readonly #ready = Promise.withResolvers<void>()
  /** Settles the writes under way; at most WAITING_MAX. */
  readonly #waiting = new Set<(taken: boolean) => void>()
  #open = true

  constructor(components: { stream: Writable }) {
    this.#stream = components.stream
    const end = (): void => {
      this.#open = false
      this.#closed.resolve()
      for (const settle of this.#waiting) settle(false)
    }
    // A reader that has gone shows itself as EPIPE at the next write.
    this.#stream.on('error', end)
    this.#stream.on('close', end)
  }

  /** Resolves when nobody reads any more. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /**
   * Resolves with true once the operating system has taken the line; with false when it was not taken: the reader has gone or is far behind,
   * or the signal came first.
   */
  async write(event: NodeEvent | RelayLine, { signal }: AbortOptions = {}): Promise<boolean> {
    if (!this.#open || signal?.aborted === true || this.#waiting.size >= WAITING_MAX) return false
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const abort = (): void => resolve(false)
    signal?.addEventListener('abort', abort, { once: true })
    this.#waiting.add(resolve)
    try {
      if (event.event === 'ready') {
        this.#post(event, resolve)
        this.#ready.resolve()
      } else {
        void this.#ready.promise.then(() => (signal?.aborted === true ? resolve(false) : this.#post(event, resolve)))
      }
      return await promise
    } finally {
      this.#waiting.delete(resolve)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Waits until everything written so far was taken: true, or false for a reader that has had its time. */
  async drained(maxMs = DRAIN_MAX_MS): Promise<boolean> {
    if (!this.#open) return true
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(false), maxMs)
    this.#stream.write('', () => resolve(true))
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }

  #post(event: NodeEvent | RelayLine, taken: (whole: boolean) => void): void {
    this.#stream.write(jsonLine(event), error => taken(error === null || error === undefined))
  }
}
