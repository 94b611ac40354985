import { describe, expect, it } from 'vitest'
import { buildManifest, TOOL_NAMES } from '../../src/settings/manifest.ts'
import { PREDECESSOR_KEYS } from '../../src/settings/retired.ts'
import { settingsSchema } from '../../src/settings/schema.ts'

interface Block {
  additionalProperties: boolean
  properties: Record<string, { default?: unknown; description?: string }>
  required?: string[]
}

describe('the manifest', () => {
  const manifest = buildManifest() as {
    contracts: { tools: string[] }
    configSchema: Block
    channelConfigs: Record<string, { schema: Block; uiHints: Record<string, { label: string; help: string }> }>
  }
  const channel = manifest.channelConfigs['libp2p-mesh']

  it('S1.67: declares the three agent tools', () => {
    expect(manifest.contracts.tools).toEqual([...TOOL_NAMES])
  })

  it('D-22: lets every documented setting in, nothing else, and requires none', () => {
    const settings = Object.keys(settingsSchema.shape)
    expect(Object.keys(channel?.schema.properties ?? {})).toEqual(settings)
    // Settings of the predecessor must not keep this plugin from being installed over it; the repair replaces them.
    expect(Object.keys(manifest.configSchema.properties)).toEqual([...settings, ...PREDECESSOR_KEYS])
    for (const schema of [manifest.configSchema, channel?.schema]) {
      expect(schema).toMatchObject({ additionalProperties: false })
      expect(schema?.required).toBeUndefined()
    }
  })

  it('tells defaults in words only, so that the host writes none into the configuration', () => {
    expect(JSON.stringify(channel?.schema)).not.toContain('"default"')
    expect(channel?.schema.properties.deliveryAckTimeoutMs?.description).toMatch(/Default: 15000\.$/)
  })

  it('has a label and a help text for every setting', () => {
    for (const key of Object.keys(settingsSchema.shape)) {
      expect(channel?.uiHints[key], key).toEqual({
        label: expect.stringMatching(/./),
        help: expect.stringMatching(/./)
      })
    }
  })
})
