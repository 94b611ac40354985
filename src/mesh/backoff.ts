/** Wait before the second try, ms: long enough for a restarting process, short enough for a person who watches. */
export const BACKOFF_FIRST_MS = 1_000

/** Longest wait before jitter, ms: a peer that was away for days is found again within minutes and costs next to nothing until then. */
export const BACKOFF_MAX_MS = 5 * 60 * 1000

/** Share by which a wait is moved either way, so that peers which went down together do not come back together. */
export const BACKOFF_JITTER = 0.5

/**
 * Milliseconds to wait after `failures` failed tries in a row (1 for the first): 1 s, doubled up to 5 min, then moved by up to half either way.
 *
 * @param random a number from 0 up to 1
 */
export function backoffMs(failures: number, random: number): number {
  const doublings = Math.max(0, failures - 1)
  const base = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** doublings)
  return Math.round(base * (1 - BACKOFF_JITTER + 2 * BACKOFF_JITTER * random))
}
