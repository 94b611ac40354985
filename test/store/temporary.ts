import { mkdtempSync, rmSync } from 'node:fs'
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
