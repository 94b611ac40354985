import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MeshError } from '../mesh/errors.ts'
import type { Log } from '../mesh/ports.ts'

/** Everything in it is private: the key, who is trusted, what was said. */
const DIRECTORY_MODE = 0o700

/** Windows has no such modes: its profile directories are private by their access lists. */
const HAS_MODES = process.platform !== 'win32'

/**
 * Makes `DIR/libp2p` (and DIR) where missing, closes it to others, and returns its path.
 *
 * @throws MeshError `store_failed`
 */
export function openDirectory(stateDir: string, { log }: { log?: Log } = {}): string {
  const directory = join(stateDir, 'libp2p')
  try {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE })
    if (HAS_MODES && (statSync(directory).mode & 0o777) !== DIRECTORY_MODE) {
      chmodSync(directory, DIRECTORY_MODE)
      log?.warn('closed the state directory to other users', { directory })
    }
  } catch (cause) {
    throw new MeshError('store_failed', { detail: `cannot use ${directory}`, cause })
  }
  return directory
}
