import type { Clock } from '../mesh/ports.ts'
import { FULL_TEXT, isDiskFull } from '../store/index.ts'

/** How often a full disk is tried again, ms: an owner who has made room is not kept waiting, and a try gives up at its first write. */
const POLL_MS = 2_000

export interface RoomInit {
  stateDir: string
  clock: Clock
  /** Said once, when the wait begins. */
  tell: (reason: string) => void
  signal: AbortSignal
}

/**
 * Opens or starts what needs room on the disk, and waits for it where there is none: ending would only have somebody start this anew, again and again.
 *
 * @param open leaves nothing behind where it fails
 * @throws what `open` throws for any other reason, or the signal's reason
 */
export async function whenRoom<T>(open: () => T | Promise<T>, { stateDir, clock, tell, signal }: RoomInit): Promise<T> {
  for (let told = false; ; told = true) {
    try {
      return await open()
    } catch (error) {
      if (!isDiskFull(stateDir, error)) throw error
      if (!told) tell(`${FULL_TEXT}: waiting for room, then the start goes on by itself`)
    }
    await clock.sleep(POLL_MS, { signal })
  }
}
