import { UsageError } from './arguments.ts'

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

const DURATION = /^(\d{1,6})\s*([smhd])$/

/** `90s`, `15m`, `2h` or `7d` in ms; UsageError beyond the limits. */
export function durationMs(label: string, text: string, { minMs, maxMs }: { minMs: number; maxMs: number }): number {
  const [, count, unit] = DURATION.exec(text.trim().toLowerCase()) ?? []
  const ms = Number(count) * UNITS_MS[(unit ?? 's') as keyof typeof UNITS_MS]
  if (unit === undefined || ms < minMs || ms > maxMs) {
    throw new UsageError(
      `${label} is "${text.slice(0, 40)}": expected a time from ${words(minMs)} to ${words(maxMs)}, such as 15m.`
    )
  }
  return ms
}

function words(ms: number): string {
  const [unit, size] = Object.entries(UNITS_MS).findLast(([, size]) => ms % size === 0 && ms >= size) ?? ['s', 1_000]
  return `${ms / size}${unit}`
}
