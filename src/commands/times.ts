import { safe } from '../protocol/index.ts'

/** A time of a result as people read it, UTC, to the minute. */
export function minuteOf(iso: string): string {
  return safe(iso.slice(0, 16).replace('T', ' '))
}

/** To the second, for what may be a second away. */
export function secondOf(iso: string): string {
  return safe(iso.slice(0, 19).replace('T', ' '))
}

const SPANS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000]
] as const

/** How long something has lasted, in its largest unit: `12 min`. */
export function spanOf(ms: number): string {
  const [unit, sizeMs] = SPANS.find(([, size]) => ms >= size) ?? SPANS[3]
  return `${Math.floor(ms / sizeMs)} ${unit}`
}

/** A round trip: below this, tenths of a millisecond matter. */
const TENTHS_BELOW_MS = 10

export function roundTripOf(ms: number): string {
  return `${ms < TENTHS_BELOW_MS ? ms.toFixed(1) : Math.round(ms)} ms`
}
