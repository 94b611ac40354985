import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Clock, Log } from '../../src/mesh/ports.ts'

/** A directory of its own for one test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mesh-store-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A backup file by file, or its return: the database and its log as they stand on the disk, without the file `epoch`. */
export function copyDatabase(from: string, to: string): void {
  mkdirSync(join(to, 'libp2p'), { recursive: true })
  for (const name of ['mesh.sqlite', 'mesh.sqlite-wal', 'mesh.sqlite-shm']) {
    const [source, target] = [join(from, 'libp2p', name), join(to, 'libp2p', name)]
    rmSync(target, { force: true })
    if (existsSync(source)) copyFileSync(source, target)
  }
}

export interface Line {
  level: keyof Log
  message: string
  fields?: Record<string, unknown>
}

/** A log that keeps its lines. */
export function recordingLog(): Log & { lines: Line[] } {
  const lines: Line[] = []
  const at = (level: keyof Log) => (message: string, fields?: Record<string, unknown>) => {
    lines.push({ level, message, ...(fields && { fields }) })
  }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** A clock that stands still: the store only notes times. */
export const clock: Clock = {
  wallMs: () => 1_700_000_000_000,
  monotonicMs: () => 0,
  sleep: () => Promise.reject(new Error('the store never sleeps'))
}
