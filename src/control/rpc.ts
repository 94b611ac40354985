import * as z from 'zod'
import { MeshError, type MeshErrorCode, type MeshErrorDetails } from '../mesh/errors.ts'

/**
 * Calls over a duplex message channel, the same on both ends: the bridge between the host's thread and the engine's, and the control socket.
 * A call can be aborted from the calling side; when the channel closes, every open call on both sides is settled. A handler can tell the two apart
 * by the code of its signal's reason: `aborted` for a caller that wants no answer any more, the closed code for one that never got it.
 */

/** A duplex of structured messages that keeps their order. */
export interface Channel {
  post(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
  /** Called once, also when the channel was closed from this side. */
  onClose(listener: () => void): void
  close(): void
}

export type RpcHandler = (params: unknown, options: { signal: AbortSignal }) => Promise<unknown>

export interface RpcInit {
  handlers?: Record<string, RpcHandler>
  /** Error code of calls that the end of the channel leaves open, at either end. */
  closedCode?: Extract<MeshErrorCode, 'engine_down' | 'not_running'>
}

/** Calls that one end may have open at the other; more are refused, so that a caller gone wild costs bounded memory. */
const OPEN_CALLS_MAX = 4096

const messageSchema = z.discriminatedUnion('t', [
  z.object({ t: z.literal('call'), id: z.number().int(), method: z.string(), params: z.unknown() }),
  z.object({ t: z.literal('abort'), id: z.number().int() }),
  z.object({ t: z.literal('ok'), id: z.number().int(), value: z.unknown() }),
  z.object({ t: z.literal('fail'), id: z.number().int(), code: z.string(), details: z.record(z.string(), z.unknown()) })
])

interface OpenCall {
  resolve(value: unknown): void
  reject(error: Error): void
}

export class Rpc {
  readonly #channel: Channel
  readonly #handlers: Map<string, RpcHandler>
  readonly #closedCode: 'engine_down' | 'not_running'
  readonly #calls = new Map<number, OpenCall>()
  readonly #serving = new Map<number, AbortController>()
  #lastId = 0
  #closed = false

  constructor(components: { channel: Channel }, init: RpcInit = {}) {
    this.#channel = components.channel
    this.#handlers = new Map(Object.entries(init.handlers ?? {}))
    this.#closedCode = init.closedCode ?? 'engine_down'
    this.#channel.onMessage(message => this.#receive(message))
    this.#channel.onClose(() => this.#end())
  }

  /** Resolves with what the handler at the other end returned; rejects with its MeshError, or at once with the signal's reason. */
  async call(method: string, params: unknown, options: { signal?: AbortSignal } = {}): Promise<unknown> {
    options.signal?.throwIfAborted()
    if (this.#closed) throw new MeshError(this.#closedCode, { retryable: true })
    if (this.#calls.size >= OPEN_CALLS_MAX)
      throw new MeshError('internal', { detail: 'too many open calls', retryable: true })
    this.#lastId += 1
    const id = this.#lastId
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#calls.set(id, { resolve, reject })
    const abort = (): void => {
      this.#post({ t: 'abort', id })
      this.#calls.delete(id)
      reject(options.signal?.reason)
    }
    options.signal?.addEventListener('abort', abort, { once: true })
    try {
      this.#post({ t: 'call', id, method, params })
      return await promise
    } finally {
      options.signal?.removeEventListener('abort', abort)
      this.#calls.delete(id)
    }
  }

  close(): void {
    this.#channel.close()
    this.#end()
  }

  #receive(raw: unknown): void {
    const parsed = messageSchema.safeParse(raw)
    if (!parsed.success) {
      this.close()
      return
    }
    const message = parsed.data
    if (message.t === 'call') void this.#serve(message.id, message.method, message.params)
    else if (message.t === 'abort') this.#serving.get(message.id)?.abort(new MeshError('aborted'))
    else if (message.t === 'ok') this.#calls.get(message.id)?.resolve(message.value)
    else this.#calls.get(message.id)?.reject(new MeshError(message.code as MeshErrorCode, message.details))
  }

  async #serve(id: number, method: string, params: unknown): Promise<void> {
    const controller = new AbortController()
    this.#serving.set(id, controller)
    try {
      const handler = this.#handlers.get(method)
      if (handler === undefined) throw new MeshError('bad_request', { detail: `unknown method ${method}` })
      if (this.#serving.size > OPEN_CALLS_MAX)
        throw new MeshError('internal', { detail: 'too many open calls', retryable: true })
      const value = await handler(params, { signal: controller.signal })
      this.#post({ t: 'ok', id, value })
    } catch (error) {
      this.#post({ t: 'fail', id, ...failureOf(error) })
    } finally {
      this.#serving.delete(id)
    }
  }

  #post(message: unknown): void {
    if (!this.#closed) this.#channel.post(message)
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    const closed = new MeshError(this.#closedCode, { retryable: true })
    for (const controller of this.#serving.values()) controller.abort(closed)
    for (const call of this.#calls.values()) call.reject(closed)
    this.#calls.clear()
  }
}

/** Only codes and details cross the channel; an error that is not ours becomes `internal` with its message as detail. */
function failureOf(error: unknown): { code: MeshErrorCode; details: MeshErrorDetails } {
  if (error instanceof MeshError) {
    const { cause: _, ...details } = error.details
    return { code: error.code, details: { ...details, retryable: error.retryable } }
  }
  return { code: 'internal', details: { detail: error instanceof Error ? error.message : String(error) } }
}
