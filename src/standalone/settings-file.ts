import { readFile } from 'node:fs/promises'
import { UsageError } from '../commands/index.ts'
import { safe } from '../protocol/index.ts'
import { type NodeSettings, parseNodeSettings, pendingSettings, SettingsError } from '../settings/index.ts'

/** Longest path shown in a sentence. */
const PATH_MAX_CHARS = 300

export interface ReadSettings {
  settings: NodeSettings
  /** Keys that the file sets and that have no effect yet. */
  pending: string[]
}

/** Settings from a JSON file, or the defaults without one; UsageError names the file, the setting, its value and what is allowed. */
export async function readSettings(path: string | undefined): Promise<ReadSettings> {
  const block = path === undefined ? {} : await readBlock(path)
  try {
    return { settings: parseNodeSettings(objectOf(block), 'settings'), pending: pendingSettings(block) }
  } catch (cause) {
    if (!(cause instanceof SettingsError)) throw cause
    throw new UsageError(`In ${shown(path)}, ${cause.message}`, { cause })
  }
}

async function readBlock(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code ?? cause.message
    throw new UsageError(`The settings file ${shown(path)} cannot be read (${why}); check its path and permissions.`, {
      cause
    })
  })
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`The settings file ${shown(path)} is not JSON: ${why}.`, { cause })
  }
}

function shown(path = 'the defaults'): string {
  return safe(path, PATH_MAX_CHARS)
}

function objectOf(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new SettingsError('settings is not an object: expected { "name": value, ... }.')
}
