import * as z from 'zod'
import { PLUGIN_ID } from './plugin-id.ts'
import { PREDECESSOR_KEYS } from './retired.ts'
import { settingsSchema } from './schema.ts'

/** Agent tools, as the manifest must declare them. */
export const TOOL_NAMES = ['p2p_send_instance_message', 'p2p_broadcast', 'p2p_peers', 'p2p_message_status'] as const

const DESCRIPTION =
  'Direct, encrypted messages between OpenClaw instances, without a server: found on the local network, let in by their owner.'

/** Everything that the host reads before any code of ours runs. `openclaw.plugin.json` is this, written out. */
export function buildManifest(): Record<string, unknown> {
  const schema = hostSchema()
  return {
    id: PLUGIN_ID,
    name: 'libp2p mesh',
    description: DESCRIPTION,
    categories: ['channels'],
    channels: [PLUGIN_ID],
    activation: { onStartup: true },
    contracts: { tools: [...TOOL_NAMES] },
    cliCommands: [{ name: 'p2p', description: 'Peers, messages and trust of the libp2p mesh', hasSubcommands: true }],
    backupResources: [{ disposition: 'include', scope: 'state', relativePath: 'libp2p/mesh.sqlite' }],
    // Nothing of our state needs the host's help; an empty list says so, and ends the host's wait for a migration after an upgrade.
    doctorContract: { configRepair: true, stateMigrations: [] },
    configContracts: { compatibilityMigrationPaths: [`plugins.${PLUGIN_ID}`] },
    configSchema: { ...schema, properties: { ...schema.properties, ...predecessorProperties() } },
    channelConfigs: {
      [PLUGIN_ID]: { schema, label: 'libp2p mesh', description: DESCRIPTION, uiHints: uiHints() }
    }
  }
}

/**
 * JSON Schema of the settings as the host checks them: nothing is required, nothing unknown is let through. Defaults are told in words only:
 * the host would write them into the configuration, and then nobody could tell what the user has set.
 */
function hostSchema(): Record<string, unknown> & { properties: Record<string, unknown> } {
  const { $schema: _, ...schema } = z.toJSONSchema(settingsSchema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      if (jsonSchema.default === undefined) return
      jsonSchema.description = `${jsonSchema.description ?? ''} Default: ${JSON.stringify(jsonSchema.default)}.`.trim()
      delete jsonSchema.default
    }
  }) as Record<string, unknown> & { properties: Record<string, unknown> }
  return schema
}

/**
 * The host refuses to install a plugin over settings that its schema does not know, before any code of it could move them. So the keys of the
 * predecessors pass there; an account that meets one does not start.
 */
function predecessorProperties(): Record<string, { description: string }> {
  const description = 'Of the predecessor: "openclaw doctor --fix" replaces or removes it.'
  return Object.fromEntries(PREDECESSOR_KEYS.map(key => [key, { description }]))
}

function uiHints(): Record<string, { label: string; help: string }> {
  const hints: Record<string, { label: string; help: string }> = {}
  for (const [key, field] of Object.entries(settingsSchema.shape)) {
    const meta = field.meta()
    hints[key] = { label: meta?.title ?? key, help: meta?.description ?? '' }
  }
  return hints
}
