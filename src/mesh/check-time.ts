import { CLOCK_TOLERANCE_MS, type Content, EXPIRY_MAX_MS, type RejectReason } from '../protocol/index.ts'

/** `expired` and `clock_skew`. Honest clocks differ by the tolerance at most; beyond it a future date is a wrong clock, a past one an expired message. */
export function checkTime({ timeMs, expiresMs }: Content, nowMs: number): RejectReason | undefined {
  if (expiresMs + CLOCK_TOLERANCE_MS < nowMs) return 'expired'
  if (timeMs - CLOCK_TOLERANCE_MS > nowMs) return 'clock_skew'
  return expiresMs - CLOCK_TOLERANCE_MS > nowMs + EXPIRY_MAX_MS ? 'clock_skew' : undefined
}
