import type { HostApi } from './host-types.ts'

/**
 * The beginning of the gateway's end. The host waits for running tools and turns for minutes before it stops an account, and aborts none of them:
 * whoever waits for a peer has to notice by himself. One controller per process, shared by the copies of this module.
 */
const DRAIN = Symbol.for('libp2p-mesh/drain/1')

type Holder = { [DRAIN]?: AbortController }

/** Fires when the gateway begins to stop. A process that goes on after a restart of its gateway gets a new one. */
export function drainSignal(): AbortSignal {
  return controller().signal
}

/** Hears from the host when the gateway begins to stop; for a full registration. */
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
