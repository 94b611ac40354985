import type { Connection, Stream } from '@libp2p/interface'
import { MeshError } from '../mesh/errors.ts'
import type { Gauge, Log } from '../mesh/ports.ts'
import {
  decodePairFrame,
  encodePairFrame,
  PAIR_FRAME_MAX_BYTES,
  type PairAnswer,
  type PairBody,
  type PairFrame,
  ProtocolError,
  pairBodyOf,
  pairRequestOf,
  refusing
} from '../protocol/index.ts'
import { withDeadline } from './deadline.ts'
import { FrameReader, joinFrames } from './frame-reader.ts'
import { isInstance } from './is-instance.ts'
import { PairRate } from './pair-rate.ts'
import { PAIR_PROTOCOL } from './protocols.ts'
import type { Strikes } from './strikes.ts'

/** Request and answer fit into one packet each; a stranger gets no longer. */
const PAIR_MS = 5_000

/** Streams that one peer may have open at a time. */
export const PAIR_STREAMS_MAX = 2

/** What a request of a later version is told, so that a newer peer knows where it stands. */
const UNSUPPORTED = refusing('unsupported')

/** What a stranger is told where too many ask. */
const OVERLOADED = refusing('overloaded')

export interface PairComponents {
  log: Log
  strikes: Strikes
  /** Never rejects. */
  answer(peer: string, address: string, body: PairBody): Promise<PairAnswer>
}

/** The only protocol that strangers reach. One request frame, one answer frame, and the stream ends. */
export class PairProtocol {
  readonly #components: PairComponents
  readonly #timeoutMs: number
  readonly #rate = new PairRate()

  constructor(components: PairComponents, init: { timeoutMs?: number } = {}) {
    this.#components = components
    this.#timeoutMs = init.timeoutMs ?? PAIR_MS
  }

  gauges(): Gauge[] {
    return this.#rate.gauges()
  }

  /** Forgets who asked. */
  clear(): void {
    this.#rate.clear()
  }

  async handle(stream: Stream, connection: Connection): Promise<void> {
    const { log, strikes } = this.#components
    const peer = connection.remotePeer.toString()
    if (!isInstance(connection.remotePeer) || strikes.out(peer)) {
      stream.abort(new Error('nothing to say to this peer'))
      return
    }
    try {
      await withDeadline(this.#timeoutMs, signal => this.#answer(stream, connection, signal))
    } catch (error) {
      if (error instanceof ProtocolError) strikes.add(peer)
      log.debug('pair request ended', { peer, code: error instanceof ProtocolError ? error.code : 'stream' })
      stream.abort(error instanceof Error ? error : new Error('the pair request failed', { cause: error }))
    }
  }

  /** Asks over this connection. @throws MeshError `dial_failed` where no answer comes */
  async ask(connection: Connection, body: PairBody, signal: AbortSignal): Promise<PairAnswer> {
    const peer = connection.remotePeer.toString()
    let stream: Stream | undefined
    try {
      return await withDeadline(
        this.#timeoutMs,
        async timely => {
          stream = await connection.newStream(PAIR_PROTOCOL, { signal: timely, runOnLimitedConnection: true })
          stream.send(joinFrames([encodePairFrame(pairRequestOf(body))]))
          const frame = decodePairFrame(await firstFrame(stream))
          if (frame.type !== 'answer') throw new ProtocolError('frame_malformed', 'a request where an answer belongs')
          await stream.close({ signal: timely })
          return frame
        },
        { signal }
      )
    } catch (error) {
      stream?.abort(error instanceof Error ? error : new Error('the pair request failed', { cause: error }))
      signal.throwIfAborted()
      throw new MeshError('dial_failed', { peer, detail: 'it gave no answer', retryable: true, cause: error })
    }
  }

  async #answer(stream: Stream, connection: Connection, signal: AbortSignal): Promise<void> {
    const peer = connection.remotePeer.toString()
    const frame = decodePairFrame(await firstFrame(stream))
    if (frame.type !== 'request') throw new ProtocolError('frame_malformed', 'an answer where a request belongs')
    stream.send(joinFrames([encodePairFrame({ type: 'answer', ...(await this.#decide(peer, connection, frame)) })]))
    await stream.closeRead({ signal })
    await stream.close({ signal })
  }

  async #decide(
    peer: string,
    connection: Connection,
    request: Extract<PairFrame, { type: 'request' }>
  ): Promise<PairAnswer> {
    const body = pairBodyOf(request)
    this.#components.log.debug('pair request', { peer, kind: body?.kind ?? request.kind })
    const address = connection.remoteAddr.toString()
    // A ticket cannot be guessed and costs one look into the store: counting it would let a crowd keep out whom the owner invited.
    if (body?.kind !== 'ticket' && !this.#rate.take(address)) return OVERLOADED
    if (body === undefined) return UNSUPPORTED
    return await this.#components.answer(peer, address, body)
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
