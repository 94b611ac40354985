import type { AbortOptions } from '../mesh/ports.ts'

/**
 * Runs work under a signal that fires after `ms` or with the caller's own signal, whichever comes first, and takes timer and listener down with it.
 * Rejects as soon as the signal fires, even where the work itself does not listen.
 *
 * @throws the caller's abort reason, a TimeoutError, or what the work threw
 */
export async function withDeadline<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  options: AbortOptions = {}
): Promise<T> {
  options.signal?.throwIfAborted()
  const controller = new AbortController()
  const fired = Promise.withResolvers<never>()
  const abort = (reason: unknown): void => {
    controller.abort(reason)
    fired.reject(reason)
  }
  const timer = setTimeout(() => abort(new DOMException(`no end within ${ms} ms`, 'TimeoutError')), ms)
  const forward = (): void => abort(options.signal?.reason)
  options.signal?.addEventListener('abort', forward, { once: true })
  try {
    return await Promise.race([work(controller.signal), fired.promise])
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', forward)
  }
}
