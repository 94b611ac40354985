import type { OpenClawConfig } from 'openclaw/plugin-sdk/channel-core'
import { parseSettings, pendingSettings, type Settings, SettingsError } from '../settings/index.ts'
import { PLUGIN_ID } from '../settings/plugin-id.ts'
import { predecessorProblem } from '../settings/retired.ts'
import { withAccessGroups, withNotifiedGroups } from './access-groups.ts'
import { record } from './record.ts'

/** There is exactly one account: one key, one node. */
export const ACCOUNT_ID = 'default'

/** What the host hands back to every adapter. Settings that the schema refuses are told when the account starts, not when it is listed. */
export interface MeshAccount {
  accountId: string
  enabled: boolean
  configured: boolean
  settings?: Settings
  /** Settings that were asked for and have no effect yet. */
  pending: string[]
  /** One sentence: path, value, what is allowed. */
  problem?: string
  /** The host's security audit reads these here. */
  config: { dmPolicy: string; allowFrom: string[] }
}

const CHANNEL_PATH = `channels.${PLUGIN_ID}`
const ENTRY_PATH = `plugins.entries.${PLUGIN_ID}.config`

/** The channel block, and below it key by key the block of the plugin entry. Undefined when neither is there. */
export function settingsBlock(cfg: OpenClawConfig): Record<string, unknown> | undefined {
  const { channel, entry } = blocksOf(cfg)
  if (channel === undefined && entry === undefined) return undefined
  return { ...entry, ...channel }
}

/** Where each setting of the block above stands. */
function placeOf(cfg: OpenClawConfig, key: string): string {
  const { channel = {}, entry = {} } = blocksOf(cfg)
  return Object.hasOwn(entry, key) && !Object.hasOwn(channel, key) ? ENTRY_PATH : CHANNEL_PATH
}

function blocksOf(cfg: OpenClawConfig): { channel?: Record<string, unknown>; entry?: Record<string, unknown> } {
  const channel = record(record(cfg.channels)?.[PLUGIN_ID])
  const entry = record(record(record(record(cfg.plugins)?.entries)?.[PLUGIN_ID])?.config)
  return { ...(channel && { channel }), ...(entry && { entry }) }
}

export function resolveAccount(cfg: OpenClawConfig): MeshAccount {
  const block = settingsBlock(cfg)
  const config = { dmPolicy: 'pairing', allowFrom: [] as string[] }
  if (block === undefined) return { accountId: ACCOUNT_ID, enabled: false, configured: false, pending: [], config }
  try {
    const settings = parseSettings(block, key => placeOf(cfg, key))
    return {
      accountId: ACCOUNT_ID,
      enabled: settings.enabled,
      configured: true,
      settings: {
        ...settings,
        allowFrom: withAccessGroups(settings.allowFrom, cfg),
        notifyOnly: withNotifiedGroups(settings.notifyOnly, cfg)
      },
      pending: pendingSettings(block),
      config: { dmPolicy: settings.dmPolicy, allowFrom: settings.allowFrom }
    }
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return {
      accountId: ACCOUNT_ID,
      enabled: block.enabled !== false,
      configured: true,
      pending: [],
      problem: predecessorProblem(block) ?? error.message,
      config
    }
  }
}
