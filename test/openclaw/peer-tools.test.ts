import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HostConfig } from '../../src/openclaw/host-types.ts'
import { peerToolIssues, peerTools } from '../../src/openclaw/peer-tools.ts'
import { TOOL_NAMES } from '../../src/settings/manifest.ts'

const REGISTRY = Symbol.for('openclaw.pluginRegistryState')

/** What the host's registry looks like from outside. */
function hosting(...ids: string[]): void {
  Reflect.set(globalThis, REGISTRY, { activeRegistry: { plugins: ids.map(id => ({ id })) } })
}

beforeEach(() => hosting('memory-core', 'Workboard'))

afterEach(() => {
  Reflect.deleteProperty(globalThis, REGISTRY)
})

const cfg = {
  plugins: { entries: { helper: { enabled: true } }, allow: ['other'] },
  channels: { 'libp2p-mesh': { trustedTools: ['helper', 'web_search'] } }
} as HostConfig

describe('the tools of a trusted peer', () => {
  it.each([
    'libp2p-mesh',
    'LIBP2P-Mesh',
    'memory-core',
    'workboard',
    'helper',
    'Other',
    'bundle-mcp',
    'bundle-lsp',
    'canvas',
    'p2p_send_instance_message',
    'P2P_broadcast'
  ])('S-22: %s, which stands for many tools or for one that sends, is left out and named', name => {
    const { tools, issues } = peerTools(['web_search', name, 'server__search'], cfg)
    expect(tools).toEqual(['web_search', 'server__search'])
    expect(issues).toEqual([expect.stringMatching(`^trustedTools has "${name}", which is left out: .*\\.$`)])
  })

  it('S-22: no tool of ours that sends may be listed', () => {
    expect(peerTools([...TOOL_NAMES], cfg).tools).toEqual(['p2p_peers', 'p2p_message_status'])
  })

  it('S-22: are none where the plugins of the host cannot be read, and the owner is told', () => {
    for (const state of [undefined, {}, { activeRegistry: null }, { activeRegistry: { plugins: {} } }]) {
      Reflect.set(globalThis, REGISTRY, state)
      expect(peerTools(['web_search'], cfg)).toEqual({
        tools: [],
        issues: [expect.stringMatching(/^trustedTools has no effect/)]
      })
      expect(peerTools([], cfg).issues).toEqual([])
    }
  })

  it('are complained of as they stand in the settings of the account', () => {
    expect(peerToolIssues(cfg)).toEqual([expect.stringContaining('"helper"')])
    expect(peerToolIssues({})).toEqual([])
  })
})
