import type { Connection, Stream } from '@libp2p/interface'
import type { Log } from '../mesh/ports.ts'
import { decodePairFrame, encodePairFrame, PAIR_FRAME_MAX_BYTES, ProtocolError } from '../protocol/index.ts'
import { withDeadline } from './deadline.ts'
import { FrameReader, joinFrames } from './frame-reader.ts'
import { isInstance } from './is-instance.ts'
import type { Strikes } from './strikes.ts'

/** Request and answer fit into one packet each; a stranger gets no longer. */
const PAIR_MS = 5_000

/** Streams that one peer may have open at a time. */
export const PAIR_STREAMS_MAX = 2

/**
 * What strangers may ask. One request frame, one answer frame, and the stream ends.
 *
 * No kind of request exists yet in this version: each is answered `accepted: false, reason: unsupported`, so a newer peer knows where it stands.
 */
export class PairProtocol {
  readonly #log: Log
  readonly #strikes: Strikes
  readonly #timeoutMs: number

  constructor(components: { log: Log; strikes: Strikes }, init: { timeoutMs?: number } = {}) {
    this.#log = components.log
    this.#strikes = components.strikes
    this.#timeoutMs = init.timeoutMs ?? PAIR_MS
  }

  async handle(stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    if (!isInstance(connection.remotePeer) || this.#strikes.out(peer)) {
      stream.abort(new Error('nothing to say to this peer'))
      return
    }
    try {
      await withDeadline(this.#timeoutMs, signal => this.#answer(stream, peer, signal))
    } catch (error) {
      if (error instanceof ProtocolError) this.#strikes.add(peer)
      this.#log.debug('pair request ended', { peer, code: error instanceof ProtocolError ? error.code : 'stream' })
      stream.abort(error instanceof Error ? error : new Error('the pair request failed', { cause: error }))
    }
  }

  async #answer(stream: Stream, peer: string, signal: AbortSignal): Promise<void> {
    const frame = decodePairFrame(await firstFrame(stream))
    if (frame.type !== 'request') throw new ProtocolError('frame_malformed', 'an answer where a request belongs')
    this.#log.debug('pair request', { peer, kind: frame.kind })
    stream.send(joinFrames([encodePairFrame({ type: 'answer', accepted: false, reason: 'unsupported' })]))
    await stream.closeRead({ signal })
    await stream.close({ signal })
  }
}

/** @throws ProtocolError for what is no frame, `frame_malformed` for a stream that ends before its first frame does */
async function firstFrame(stream: Stream): Promise<Uint8Array> {
  const reader = new FrameReader({ maxBytes: PAIR_FRAME_MAX_BYTES })
  let first: Uint8Array | undefined
  for await (const chunk of stream) {
    reader.push(chunk, frame => {
      first ??= frame
    })
    if (first !== undefined) return first
  }
  throw new ProtocolError('frame_malformed', 'the stream ended before its first frame')
}
