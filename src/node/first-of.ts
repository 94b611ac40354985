import type { AbortOptions } from '../mesh/ports.ts'

/** One way to do something; it listens to the signal. */
export type Attempt<T> = (signal: AbortSignal) => Promise<T>

/**
 * The result of the first attempt that succeeds. They begin one after the other: the next one when the one before failed, or has taken `staggerMs`. When one
 * has succeeded, the signals of the others fire. (RFC 8305 calls it happy eyeballs.)
 *
 * @throws the error of the first attempt where all fail; the caller's reason when its signal fires
 */
export async function firstOf<T>(attempts: Attempt<T>[], init: { staggerMs: number } & AbortOptions): Promise<T> {
  const ends = new AbortController()
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const errors: unknown[] = []
  let begun = 0
  let timer: NodeJS.Timeout | undefined
  const begin = (): void => {
    clearTimeout(timer)
    const index = begun++
    const attempt = attempts[index]
    if (attempt === undefined || ends.signal.aborted) return
    timer = setTimeout(begin, init.staggerMs)
    attempt(ends.signal).then(resolve, (error: unknown) => {
      errors[index] = error
      if (Object.keys(errors).length === attempts.length) reject(errors[0])
      else if (begun === index + 1) begin()
    })
  }
  const forward = (): void => reject(init.signal?.reason)
  init.signal?.addEventListener('abort', forward, { once: true })
  if (init.signal?.aborted) forward()
  else begin()
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    init.signal?.removeEventListener('abort', forward)
    ends.abort(new DOMException('another way was taken', 'AbortError'))
  }
}
