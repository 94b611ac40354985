import { readFile } from 'node:fs/promises'
import { UsageError } from '../commands/index.ts'
import { safe } from '../protocol/index.ts'
import { type NodeSettings, parseNodeSettings, SettingsError } from '../settings/index.ts'

/** Longest path shown in a sentence. */
const PATH_MAX_CHARS = 300

/** Settings from a JSON file, or the defaults without one; UsageError names the file, the setting, its value and what is allowed. */
export async function readSettings(path: string | undefined): Promise<NodeSettings> {
  if (path === undefined) return parseNodeSettings({}, 'settings')
  const shown = safe(path, PATH_MAX_CHARS)
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`The settings file ${shown} cannot be read (${cause.code ?? cause.message}); check its path and permissions.`, { cause })
  })
  try {
    return parseNodeSettings(objectOf(JSON.parse(text)), 'settings')
  } catch (cause) {
    if (cause instanceof SettingsError) throw new UsageError(`In ${shown}, ${cause.message}`, { cause })
    if (cause instanceof SyntaxError) throw new UsageError(`The settings file ${shown} is not JSON: ${cause.message}.`, { cause })
    throw cause
  }
}

function objectOf(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new SettingsError('settings is not an object: expected { "name": value, ... }.')
}
