import { PLUGIN_ID } from '../settings/plugin-id.ts'
import { repairSettings, type SettingsBlock } from '../settings/repair.ts'
import { predecessorProblem } from '../settings/retired.ts'
import { record } from './record.ts'

/**
 * What `openclaw doctor` loads of this plugin to repair a configuration of the predecessor, under the names that the host looks for. It is built
 * to a file of its own and loads nothing but the checks: every command that meets an old configuration loads it.
 */

/** The plugin's and the channel's. */
const ID = PLUGIN_ID
const CHANNEL = `channels.${ID}`
const ENTRY = `plugins.entries.${ID}`
const OLD = `plugins.${ID}`

type Block = Record<string, unknown>

export const legacyConfigRules = [
  {
    path: ['plugins', ID],
    message: `The settings of libp2p-mesh stand under ${CHANNEL}; "openclaw doctor --fix" moves them there.`
  },
  {
    path: ['plugins', 'entries', ID, 'config'],
    message: `It has settings of the predecessor; "openclaw doctor --fix" moves what is still used to ${CHANNEL} and says what to do about the rest.`,
    match: hasPredecessorKey
  },
  {
    path: ['channels', ID],
    message:
      'It has settings of the predecessor; "openclaw doctor --fix" replaces what is still used and says what to do about the rest.',
    match: hasPredecessorKey
  }
]

/** Moves every setting to the channel's block; returns the same configuration and no changes where there is nothing to repair. */
export function normalizeCompatibilityConfig<T extends object>({ cfg }: { cfg: T }): { config: T; changes: string[] } {
  const root = cfg as Block
  const plugins = record(root.plugins)
  const entries = record(plugins?.entries)
  const entry = record(entries?.[ID])
  const channels = record(root.channels)
  const config = record(entry?.config)
  const old = plugins !== undefined && Object.hasOwn(plugins, ID) ? oldPlugin(plugins[ID], entry?.enabled) : undefined

  const blocks = [
    ...(config === undefined ? [] : [{ path: `${ENTRY}.config`, settings: config }]),
    ...(old?.blocks ?? [])
  ]
  const { settings, changes } = repairSettings({ path: CHANNEL, settings: record(channels?.[ID]) ?? {} }, blocks)
  changes.push(...(old?.changes ?? []))
  if (changes.length === 0) return { config: cfg, changes }
  if (channels?.[ID] !== undefined && record(channels[ID]) === undefined)
    changes.push(`Replaced ${CHANNEL}: it was no object.`)

  const next: Block = { ...root, channels: { ...channels, [ID]: withSomething(settings) } }
  if (plugins !== undefined) {
    const { [ID]: _, ...otherPlugins } = plugins
    const { config: __, ...otherEntry } = entry ?? {}
    const kept = config === undefined ? entry : otherEntry
    const switched = old === undefined ? kept : { enabled: old.enabled, ...kept }
    next.plugins = switched === undefined ? otherPlugins : { ...otherPlugins, entries: { ...entries, [ID]: switched } }
  }
  return { config: next as T, changes }
}

/** The block of the first readme, `{ enabled, config: { … } }`; settings that stand beside `config` are taken as well. */
function oldPlugin(
  value: unknown,
  entryEnabled: unknown
): { enabled: boolean; blocks: SettingsBlock[]; changes: string[] } {
  const { enabled = true, config = {}, ...beside } = record(value) ?? {}
  const settings = record(config)
  const changes: string[] = []
  if (settings === undefined) changes.push(`Removed ${OLD}.config: it is no object.`)
  if (entryEnabled !== undefined && entryEnabled !== enabled) {
    changes.push(`Removed ${OLD}.enabled ${enabled}: ${ENTRY}.enabled is set and counts.`)
  }
  changes.push(`Removed ${OLD}: ${ENTRY}.enabled switches the plugin, and its settings stand under ${CHANNEL}.`)
  const blocks = [
    { path: `${OLD}.config`, settings: settings ?? {} },
    { path: OLD, settings: beside }
  ]
  return { enabled: enabled !== false, blocks, changes }
}

/** A channel without a block is not started. */
function withSomething(settings: Block): Block {
  return Object.keys(settings).length === 0 ? { enabled: true } : settings
}

function hasPredecessorKey(value: unknown): boolean {
  return predecessorProblem(record(value) ?? {}) !== undefined
}
