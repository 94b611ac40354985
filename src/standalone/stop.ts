/** What a supervisor waits for is 5 s; the last of it is for the end of the process itself. */
const STOP_MAX_MS = 4_500

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Why a node that is still stopping is taken down by force. */
export type ForceReason = 'second signal' | 'took too long'

export interface Stop extends Disposable {
  /** Aborted by the first signal, or by `now()`. */
  readonly signal: AbortSignal
  /** Stops as a signal does. */
  now(): void
}

/** The process's signals as one AbortSignal. `force` is called when a clean stop takes too long or is asked for a second time. */
export function stopOnSignals(
  { force }: { force(reason: ForceReason): void },
  { maxMs = STOP_MAX_MS }: { maxMs?: number } = {}
): Stop {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const now = (): void => {
    if (controller.signal.aborted) return
    timer = setTimeout(() => force('took too long'), maxMs)
    // It must not keep a process alive that has stopped.
    timer.unref()
    controller.abort()
  }
  const onSignal = (): void => (controller.signal.aborted ? force('second signal') : now())
  for (const name of SIGNALS) process.on(name, onSignal)
  return {
    signal: controller.signal,
    now,
    [Symbol.dispose]() {
      clearTimeout(timer)
      for (const name of SIGNALS) process.off(name, onSignal)
    }
  }
}
