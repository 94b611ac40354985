/** Moments at which a process may be told to kill itself. */
export const CRASH_POINTS = [
  'after-read',
  'before-inbox-commit',
  'after-inbox-commit',
  'before-receipt',
  'after-receipt',
  'dispatch-start',
  'after-display',
  'before-final-update',
  'after-final-update',
  'after-outbox-commit',
  'after-send',
  'before-receipt-settle',
  'after-receipt-settle'
] as const

export type CrashPoint = (typeof CRASH_POINTS)[number]

/** A display that never returns, that throws, or that returns when nobody waits any more. */
export type Trouble = 'hang' | 'throw' | 'late'

/** What a tested process is told over its environment; without it the seams do nothing. */
export interface Told {
  /** Dies at this moment, when it comes for the so-manieth time. */
  crash?: { point: CrashPoint; time: number }
  /** Seed: frames that arrive are repeated and change places. */
  disorder?: number
  /** Said to others in the place of the addresses on which it listens. */
  announce?: string[]
  /** The display does this to texts of these conversations. */
  display?: Record<string, Trouble>
}

export const TOLD = 'CHAOS'

export const told = JSON.parse(process.env[TOLD] ?? '{}') as Told

/** What was written into a socket is on its way by then. */
const SENT_MS = 5

let left = told.crash?.time ?? 0

/** Dies here if that is what it was told: nothing runs after it, as with any other `kill -9`. */
export function passing(point: CrashPoint): void {
  if (comes(point)) die()
}

/** The same for what leaves the process after this turn of the event loop. */
export function passingSoon(point: CrashPoint): void {
  if (comes(point)) setTimeout(die, SENT_MS)
}

function comes(point: CrashPoint): boolean {
  if (point !== told.crash?.point) return false
  left--
  return left === 0
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}
