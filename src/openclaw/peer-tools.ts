import { safe } from '../protocol/index.ts'
import { PLUGIN_ID } from '../settings/plugin-id.ts'
import { resolveAccount } from './account-config.ts'
import type { HostConfig } from './host-types.ts'
import { record } from './record.ts'

/** Our own tools that send: with one of them a text could have itself passed on to every peer. */
const SENDING_TOOLS: readonly string[] = ['p2p_send_instance_message', 'p2p_broadcast']

/** Names of one word that the host takes for several tools, besides the ids of plugins: all of its MCP servers, all of its language servers, and one family. */
const GROUPS: readonly string[] = ['bundle-mcp', 'bundle-lsp', 'canvas']

/** Where all copies of the host's code in one process find the plugins that it has loaded. Its SDK has no question for them. */
const REGISTRY = Symbol.for('openclaw.pluginRegistryState')

interface PeerTools {
  /** Names of single tools, as the owner wrote them. */
  tools: string[]
  /** A sentence for each name that is left out. */
  issues: string[]
}

/**
 * What of `trustedTools` a turn of a trusted peer may have. In its list of allowed tools the host takes the id of a plugin for all tools of that plugin,
 * today's and later ones; such a name is left out. Where nobody can say which plugins there are, nothing is allowed.
 */
export function peerTools(listed: readonly string[], cfg: HostConfig): PeerTools {
  const plugins = pluginIds(cfg)
  if (plugins === undefined) {
    const issue =
      'trustedTools has no effect: it cannot be seen which plugins this gateway has, and a name could stand for all tools of one.'
    return { tools: [], issues: listed.length > 0 ? [issue] : [] }
  }
  const tools: string[] = []
  const issues: string[] = []
  for (const entry of listed) {
    // As the host compares them.
    const name = entry.trim().toLowerCase()
    if (SENDING_TOOLS.includes(name))
      issues.push(`trustedTools has "${safe(entry)}", which is left out: with it, a peer's text could send itself on.`)
    else if (GROUPS.includes(name) || plugins.has(name))
      issues.push(
        `trustedTools has "${safe(entry)}", which is left out: OpenClaw takes it for every tool of the plugin of that name. Name single tools.`
      )
    else tools.push(entry)
  }
  return { tools, issues }
}

/** What the owner's settings say in vain about tools. */
export function peerToolIssues(cfg: HostConfig): string[] {
  return peerTools(resolveAccount(cfg).settings?.trustedTools ?? [], cfg).issues
}

/** In lower case: those that are loaded or known to the gateway, and those that its settings name. Undefined where the first cannot be read. */
function pluginIds({ plugins }: HostConfig): Set<string> | undefined {
  const registry = record(record(Reflect.get(globalThis, REGISTRY))?.activeRegistry)
  if (!Array.isArray(registry?.plugins)) return undefined
  const loaded = registry.plugins.map(plugin => record(plugin)?.id).filter(id => typeof id === 'string')
  const named = [...Object.keys(plugins?.entries ?? {}), ...(plugins?.allow ?? [])]
  return new Set([PLUGIN_ID, ...loaded, ...named].map(id => id.trim().toLowerCase()))
}
