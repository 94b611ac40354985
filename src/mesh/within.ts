/**
 * Whether something happened less than `spanMs` ago, wall clock. What lies ahead did not: the clock was set back, and nothing may be muted until
 * that time comes again.
 */
export function within(spanMs: number, lastMs: number | undefined, nowMs: number): boolean {
  const agoMs = nowMs - (lastMs ?? Number.NEGATIVE_INFINITY)
  return agoMs >= 0 && agoMs < spanMs
}
