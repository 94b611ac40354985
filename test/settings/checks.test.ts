import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SETTING_CHECKS, type SettingCheck } from '../../src/settings/checks.ts'
import { settingsSchema } from '../../src/settings/schema.ts'
import { settingValue } from './setting-values.ts'

function allows(check: SettingCheck, value: unknown): boolean {
  if (!('entry' in check)) return check.allows(value)
  return Array.isArray(value) && value.length <= check.max && value.every(entry => check.entry.allows(entry))
}

describe('the checks without zod', () => {
  it('know the settings of the schema, in its order', () => {
    expect([...SETTING_CHECKS.keys()]).toEqual(Object.keys(settingsSchema.shape))
  })

  it.each(Object.entries(settingsSchema.shape))('allow for %s what the schema allows', (key, field) => {
    const check = SETTING_CHECKS.get(key)
    expect(check).toBeDefined()
    const seen = { allowed: 0, refused: 0 }
    fc.assert(
      fc.property(settingValue(key), value => {
        const right = field.safeParse(value).success
        seen[right ? 'allowed' : 'refused'] += 1
        expect(allows(check as SettingCheck, value), JSON.stringify(value)).toBe(right)
      }),
      { numRuns: 300 }
    )
    expect(seen.allowed).toBeGreaterThan(10)
    expect(seen.refused).toBeGreaterThan(10)
  })

  it.each([
    ['deliveryAckTimeoutMs', [99, 100, 600_000, 600_001, 1.5, -0]],
    ['discoverRelays', [-1, 0, 8, 9, 0.5]],
    ['name', ['', 'a', 'a'.repeat(32), 'a'.repeat(33)]],
    ['inboundChannel', ['', 'a'.repeat(64), 'a'.repeat(65)]],
    ['inboundTarget', ['', 'a'.repeat(256), 'a'.repeat(257)]],
    ['meshTopic', ['-a', 'a'.repeat(64), 'a'.repeat(65), 'a b']],
    [
      'listenAddrs',
      [Array(8).fill('/ip4/1.2.3.4/tcp/1'), Array(9).fill('/ip4/1.2.3.4/tcp/1'), [`/ip4/${'1'.repeat(512)}`]]
    ],
    ['relayList', [['/ip4/1.2.3.4/tcp/1'], ['/ip4/1.2.3.4/tcp/1/p2p/abc'], ['/ip4/1.2.3.4/tcp/1/p2p/abc/p2p-circuit']]],
    ['allowFrom', [[''], ['bob'], ['*'], Array(1000).fill('*'), Array(1001).fill('*')]]
  ] as const)('agree on the bounds of %s', (key, values) => {
    for (const value of values) {
      expect(allows(SETTING_CHECKS.get(key) as SettingCheck, value), JSON.stringify(value)).toBe(
        settingsSchema.shape[key].safeParse(value).success
      )
    }
  })
})
