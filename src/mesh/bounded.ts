import type { AbortOptions, Clock } from './ports.ts'

/** What `bounded` resolves to when the call took too long. */
export const OVERDUE: unique symbol = Symbol('overdue')

/**
 * Runs a call of somebody else's code under an upper bound. It settles in time whatever the call does: with its result, with OVERDUE, or, on
 * abort, by rejecting with the signal's reason. The call's own signal is aborted as soon as nobody waits for it any more.
 */
export async function bounded<T>(
  clock: Clock,
  boundMs: number,
  call: (signal: AbortSignal) => Promise<T>,
  { signal }: AbortOptions = {}
): Promise<T | typeof OVERDUE> {
  signal?.throwIfAborted()
  const inner = new AbortController()
  const stop = (): void => inner.abort(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const overdue = clock.sleep(boundMs, { signal: inner.signal }).then((): typeof OVERDUE => OVERDUE)
    // A call that throws at once must not leave the sleep without a listener.
    const called = (async () => await call(inner.signal))()
    return await Promise.race([overdue, called])
  } finally {
    signal?.removeEventListener('abort', stop)
    inner.abort()
  }
}
