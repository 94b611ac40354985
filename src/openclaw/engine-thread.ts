import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import {
  ENGINE_APPROVALS,
  ENGINE_START,
  ENGINE_STOP,
  ENGINE_UPDATE,
  type HostPorts,
  serveHost
} from '../control/bridge.ts'
import { type ControlClient, controlClient } from '../control/client.ts'
import { type Method, methods } from '../control/methods.ts'
import { portChannel } from '../control/port-channel.ts'
import { Rpc } from '../control/rpc.ts'
import type { EngineOptions } from '../engine/index.ts'
import { MeshError } from '../mesh/errors.ts'
import type { HostRound } from '../mesh/host-approvals.ts'
import { safe } from '../protocol/index.ts'
import { type LiveSettings, liveSettings } from '../settings/index.ts'

/** First restart at once for the user's eye, later ones slower: an engine that dies at every start must not eat a core. */
const RESTART_MIN_MS = 250
const RESTART_MAX_MS = 30_000

/** An engine that ran this long had started well: the next end is a new story. */
const HEALTHY_AFTER_MS = 60_000

/** How long a call waits for an engine that is starting or restarting. */
const CALL_WAIT_MS = 5_000

/** The gateway wants to be gone within 5 s of SIGTERM; an engine that hangs is ended by force before that. */
const STOP_MAX_MS = 3_000

/** Longest reason of an end: what was thrown in there may quote a peer. */
const REASON_MAX_CHARS = 300

export interface EngineThreadInit {
  /** The bundled engine, beside the plugin's own file. */
  url: URL
  options: EngineOptions
}

/** What status shows of the thread itself. */
export interface EngineHealth {
  running: boolean
  restarts: number
  /** Why it ended last, one line. */
  lastError?: string
}

interface Running {
  worker: Worker
  /** What it was started with, and what it was told since. */
  settings: EngineOptions['settings']
  rpc: Rpc
  exited: Promise<void>
}

/**
 * Runs the engine in a thread of its own and keeps it running: whatever is thrown there ends that thread, never the gateway, and a new one takes
 * over from the store. Calls wait for an engine that is coming up; those that are safe to repeat go on with the next engine.
 */
export class EngineThread {
  readonly #host: HostPorts
  readonly #url: URL
  #options: EngineOptions
  /** The engine that is up, or the next one. */
  #next = nextEngine()
  #up: Running | undefined
  /** What the last start was refused with; undefined when it went well, or when the thread died of it. */
  #refused: MeshError | undefined
  #health: EngineHealth = { running: false, restarts: 0 }
  #stopped = false

  constructor(components: { host: HostPorts }, init: EngineThreadInit) {
    this.#host = components.host
    this.#url = init.url
    this.#options = init.options
  }

  get health(): EngineHealth {
    return this.#health
  }

  /** The control client of whatever engine is up. */
  client(): ControlClient {
    return controlClient({
      call: async (method, params, options) => await this.#call(method as Method, params, options),
      close: () => undefined
    })
  }

  /** New settings for the engine that is up and for those to come. Never throws. */
  update(live: LiveSettings): void {
    this.#options = { ...this.#options, settings: { ...this.#options.settings, ...live } }
    // One that is still starting is told when it is up.
    if (this.#up !== undefined) this.#tell(this.#up)
  }

  /** What the owner approved at the host. Nothing is done and nothing waits while no engine is up. */
  async approvals(entries: string[], options: { signal?: AbortSignal } = {}): Promise<HostRound> {
    if (this.#up === undefined) return { open: [], done: [] }
    return (await this.#up.rpc.call(ENGINE_APPROVALS, { entries }, options)) as HostRound
  }

  /** Returns after the signal, when the thread is gone. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    // Nobody waits for an engine that will not come any more, and nobody asks one that is stopping.
    const end = (): void => {
      this.#stopped = true
      this.#next.reject(new MeshError('engine_down'))
    }
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    let delayMs = RESTART_MIN_MS
    while (!signal.aborted) {
      const startedMs = performance.now()
      const failure = await this.#runOnce(signal)
      if (signal.aborted) break
      this.#health = { running: false, restarts: this.#health.restarts + 1, lastError: failure }
      if (performance.now() - startedMs > HEALTHY_AFTER_MS) delayMs = RESTART_MIN_MS
      this.#host.log.error(`Engine ended: ${failure}. Next start in ${delayMs} ms`)
      // Only the stop ends the wait early.
      await sleep(delayMs, undefined, { signal }).catch(() => undefined)
      delayMs = Math.min(delayMs * 2, RESTART_MAX_MS)
    }
    this.#health = { ...this.#health, running: false }
  }

  /** One life of the thread; returns why it ended. */
  async #runOnce(signal: AbortSignal): Promise<string> {
    let running: Running
    try {
      running = this.#spawn()
    } catch (error) {
      return reasonOf(error)
    }
    let failure = 'it stopped by itself'
    running.worker.on('error', error => {
      failure = reasonOf(error)
    })
    const stop = (): void => void this.#stop(running)
    signal.addEventListener('abort', stop, { once: true })
    try {
      if (signal.aborted) stop()
      await running.rpc.call(ENGINE_START, {})
      this.#health = { ...this.#health, running: true }
      this.#refused = undefined
      this.#up = running
      this.#tell(running)
      this.#next.resolve(running)
    } catch (error) {
      if (!isDown(error)) failure = reasonOf(error)
      this.#refused = error instanceof MeshError && !isDown(error) ? error : undefined
      await running.worker.terminate()
    }
    await running.exited
    signal.removeEventListener('abort', stop)
    this.#leave(running)
    return failure
  }

  #spawn(): Running {
    const options = this.#options
    const shape = { agent: this.#host.agent !== undefined, display: this.#host.display !== undefined }
    const worker = new Worker(this.#url, { workerData: { libp2pMesh: { options, shape } }, name: 'libp2p-mesh' })
    const { promise: exited, resolve } = Promise.withResolvers<void>()
    worker.once('exit', () => resolve())
    const rpc: Rpc = new Rpc(
      { channel: portChannel(worker, 'exit') },
      { handlers: serveHost(this.#listening(), () => rpc), closedCode: 'engine_down' }
    )
    return { worker, settings: options.settings, rpc, exited }
  }

  /** The host's ports; why a start waits is known here too, for whoever asks meanwhile. */
  #listening(): HostPorts {
    return {
      ...this.#host,
      event: event => {
        if (event.type === 'waiting') this.#health = { ...this.#health, lastError: event.reason }
        this.#host.event(event)
      }
    }
  }

  #tell(running: Running): void {
    const { settings } = this.#options
    if (running.settings === settings) return
    running.settings = settings
    running.rpc.call(ENGINE_UPDATE, liveSettings(settings)).catch((error: unknown) => {
      if (isDown(error)) return
      // The next engine starts with them: who was shut out must not stay in by half.
      this.#host.log.error(`The engine did not take new settings and is restarted: ${reasonOf(error)}`)
      void running.worker.terminate()
    })
  }

  /** Calls wait for the next engine from now on. */
  #leave(running: Running): void {
    if (this.#up !== running) return
    this.#up = undefined
    this.#next = nextEngine()
  }

  async #stop(running: Running): Promise<void> {
    const deadline = new AbortController()
    const late = new MeshError('aborted', { detail: `no end within ${STOP_MAX_MS} ms` })
    const timer = setTimeout(() => deadline.abort(late), STOP_MAX_MS)
    try {
      await running.rpc.call(ENGINE_STOP, {}, { signal: deadline.signal })
    } catch (error) {
      // One that had gone before it could answer has stopped, too.
      if (!isDown(error)) this.#host.log.warn(`Engine did not stop by itself: ${reasonOf(error)}`)
    } finally {
      clearTimeout(timer)
      await running.worker.terminate()
    }
  }

  async #call(method: Method, params: unknown, options: { signal?: AbortSignal } = {}): Promise<unknown> {
    for (;;) {
      const running = await this.#engine(options.signal)
      try {
        return await running.rpc.call(method, params, options)
      } catch (error) {
        if (!isDown(error) || this.#stopped || !repeatable(method, params)) throw error
        // An engine that is going down says the same until its thread is gone: it is not asked again.
        this.#leave(running)
      }
    }
  }

  /** The engine that is up, or the next one if it is there soon enough. */
  async #engine(signal: AbortSignal | undefined): Promise<Running> {
    signal?.throwIfAborted()
    if (this.#stopped) throw new MeshError('engine_down')
    const { promise: failed, reject } = Promise.withResolvers<never>()
    const abort = (): void => reject(signal?.reason)
    const timer = setTimeout(
      () => reject(this.#refused ?? new MeshError('engine_down', { retryable: true, detail: this.#health.lastError })),
      CALL_WAIT_MS
    )
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await Promise.race([this.#next.promise, failed])
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }
}

/** A promise of an engine that nobody may be waiting for when it is broken. */
function nextEngine(): PromiseWithResolvers<Running> {
  const next = Promise.withResolvers<Running>()
  next.promise.catch(() => undefined)
  return next
}

function isDown(error: unknown): boolean {
  return error instanceof MeshError && error.code === 'engine_down'
}

/** One line, fit for log and status. */
function reasonOf(error: unknown): string {
  return safe(error instanceof Error ? error.message : String(error), REASON_MAX_CHARS)
}

/** Asking twice changes nothing: questions, and sends that carry the key by which the outbox knows them again. */
function repeatable(method: Method, params: unknown): boolean {
  return !methods[method].changes || (typeof params === 'object' && params !== null && 'idempotencyKey' in params)
}
