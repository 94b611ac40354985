import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../mesh/ports.ts'

/** The only place besides the hosts that sees the system's time. */
export function systemClock(): Clock {
  return {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    sleep: async (ms, options) => await sleep(ms, undefined, { signal: options?.signal })
  }
}
