import type { HostApi } from './host-types.ts'

/**
 * The beginning of the gateway's end. The host waits for running tools and turns for minutes before it stops an account, and aborts none of them:
 * whoever waits for a peer has to notice by himself. One controller per process, shared by the copies of this module.
 */
const DRAIN = Symbol.for('libp2p-mesh/drain/1')

type Holder = { [DRAIN]?: AbortController }

/** What ends a gateway from outside. The host has listeners of its own and stays in charge of the process. */
const END_SIGNALS = ['SIGTERM', 'SIGINT'] as const

export interface DrainWatch {
  /** Fires when the gateway begins to stop. */
  signal: AbortSignal
  unwatch(): void
}

/** For the life of one account. A process that goes on after a restart of its gateway gets a new signal. */
export function watchEnd(): DrainWatch {
  const drain = controller()
  const abort = (): void => drain.abort()
  // The host tells nobody that it drains before a plain stop: the signal itself is the only sign.
  for (const name of END_SIGNALS) process.on(name, abort)
  return {
    signal: drain.signal,
    unwatch: () => {
      for (const name of END_SIGNALS) process.off(name, abort)
    }
  }
}

/** Hears from the host when it drains before a restart; for a full registration. */
export function watchDrain(api: HostApi): void {
  api.on('gateway_start', (_event, context) => {
    const { abortSignal } = context
    const drain = controller()
    if (abortSignal?.aborted === true) drain.abort()
    else abortSignal?.addEventListener('abort', () => drain.abort(), { once: true })
  })
}

function controller(): AbortController {
  const holder = globalThis as Holder
  if (holder[DRAIN] === undefined || holder[DRAIN].signal.aborted) holder[DRAIN] = new AbortController()
  return holder[DRAIN]
}
