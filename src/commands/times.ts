import { safe } from '../protocol/index.ts'

/** A time of a result as people read it, UTC, to the minute. */
export function minuteOf(iso: string): string {
  return safe(iso.slice(0, 16).replace('T', ' '))
}

/** To the second, for what may be a second away. */
export function secondOf(iso: string): string {
  return safe(iso.slice(0, 19).replace('T', ' '))
}
