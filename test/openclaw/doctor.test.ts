import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { legacyConfigRules, normalizeCompatibilityConfig } from '../../src/openclaw/doctor.ts'
import { parseSettings } from '../../src/settings/index.ts'
import { buildManifest } from '../../src/settings/manifest.ts'
import { PREDECESSOR_KEYS } from '../../src/settings/retired.ts'
import { settingsSchema } from '../../src/settings/schema.ts'
import { rightValue, settingValue } from '../settings/setting-values.ts'

const ID = 'libp2p-mesh'

/** The settings of the first readme, S1.27 to S1.45. */
const DOCUMENTED = Object.keys(settingsSchema.shape).filter(
  key => !['enabled', 'name', 'dmPolicy', 'allowFrom'].includes(key)
)

interface Config {
  plugins?: Record<string, unknown>
  channels?: Record<string, unknown>
}

function repair(config: Config): { config: Config; changes: string[]; settings: Record<string, unknown> } {
  const repaired = normalizeCompatibilityConfig({ cfg: config })
  return { ...repaired, settings: repaired.config.channels?.[ID] as Record<string, unknown> }
}

/** The shape of the first readme (S1.18), and the one that the predecessor's wizard wrote. */
const SHAPES: Record<string, (settings: Record<string, unknown>) => Config> = {
  'plugins.libp2p-mesh': config => ({
    plugins: { [ID]: { enabled: true, config } },
    channels: { [ID]: { enabled: true } }
  }),
  'plugins.entries.libp2p-mesh': config => ({ plugins: { entries: { [ID]: { enabled: true, config } } } })
}

const PATHS: Record<string, string> = {
  'plugins.libp2p-mesh': 'plugins.libp2p-mesh.config',
  'plugins.entries.libp2p-mesh': 'plugins.entries.libp2p-mesh.config'
}

/** Arbitrary settings of the keys, each there or not. */
function blockOf(keys: readonly string[], value: (key: string) => fc.Arbitrary<unknown>) {
  return fc.record(Object.fromEntries(keys.map(key => [key, value(key)])), { requiredKeys: [] })
}

const oldBlock = fc
  .tuple(
    blockOf(Object.keys(settingsSchema.shape), settingValue),
    blockOf(PREDECESSOR_KEYS, () => fc.jsonValue({ maxDepth: 3 })),
    fc.dictionary(fc.string({ maxLength: 12 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  )
  .map(([known, retired, other]) => ({ ...other, ...retired, ...known }))

describe('openclaw doctor --fix', () => {
  it('D-22, S1.18, S1.19: moves the block of the first readme to the channel, and its switch to the plugin entry', () => {
    const { config, changes } = repair({
      plugins: {
        [ID]: { enabled: true, config: { discovery: 'bootstrap', deliveryAckTimeoutMs: 9000 } },
        allow: [ID, 'feishu'],
        entries: { feishu: { enabled: true } }
      },
      channels: { [ID]: { enabled: true }, feishu: { appId: 'x' } }
    })
    expect(config).toEqual({
      plugins: { allow: [ID, 'feishu'], entries: { feishu: { enabled: true }, [ID]: { enabled: true } } },
      channels: {
        [ID]: { enabled: true, discovery: 'bootstrap', deliveryAckTimeoutMs: 9000 },
        feishu: { appId: 'x' }
      }
    })
    expect(changes).toEqual([
      'Moved discovery, deliveryAckTimeoutMs from plugins.libp2p-mesh.config to channels.libp2p-mesh.',
      'Removed plugins.libp2p-mesh: plugins.entries.libp2p-mesh.enabled switches the plugin, and its settings stand under channels.libp2p-mesh.'
    ])
  })

  it('moves what the wizard of the predecessor wrote, and the first place where messages were shown', () => {
    const { config, changes } = repair({
      plugins: {
        entries: {
          [ID]: {
            enabled: true,
            config: {
              discovery: 'mdns',
              inboundTargets: [
                { id: 'a', channel: '', target: 'x' },
                { id: 'b', channel: 'feishu', target: 'user:ou_1' },
                { id: 'c', channel: 'telegram', target: 'chat:2' }
              ],
              instanceName: 'bob'
            }
          }
        }
      }
    })
    expect(config).toEqual({
      plugins: { entries: { [ID]: { enabled: true } } },
      channels: {
        [ID]: { discovery: 'mdns', inboundChannel: 'feishu', inboundTarget: 'user:ou_1', name: 'bob' }
      }
    })
    expect(changes).toEqual([
      'Moved plugins.entries.libp2p-mesh.config.instanceName to channels.libp2p-mesh.name.',
      'Moved discovery from plugins.entries.libp2p-mesh.config to channels.libp2p-mesh.',
      'Removed plugins.entries.libp2p-mesh.config.inboundTargets[0] {"id":"a","channel":"","target":"x"}: expected a channel and a target.',
      'Moved plugins.entries.libp2p-mesh.config.inboundTargets[1] to channels.libp2p-mesh.inboundChannel and inboundTarget: "feishu", "user:ou_1".',
      'Removed plugins.entries.libp2p-mesh.config.inboundTargets[2] {"id":"c","channel":"telegram","target":"chat:2"}: messages are shown in one place, channels.libp2p-mesh.inboundChannel and inboundTarget.'
    ])
  })

  it('lets the channel block win, then the plugin entry, and says so', () => {
    const { settings, changes } = repair({
      plugins: {
        [ID]: { config: { discovery: 'dht', meshTopic: 'old', enableUPnP: false } },
        entries: { [ID]: { config: { discovery: 'bootstrap', meshTopic: 'newer' } } }
      },
      channels: { [ID]: { discovery: 'mdns' } }
    })
    expect(settings).toEqual({ discovery: 'mdns', meshTopic: 'newer', enableUPnP: false })
    expect(changes).toEqual(
      expect.arrayContaining([
        'Removed plugins.entries.libp2p-mesh.config.discovery "bootstrap": channels.libp2p-mesh.discovery is set and counts.',
        'Removed plugins.libp2p-mesh.config.discovery "dht": channels.libp2p-mesh.discovery is set and counts.',
        'Removed plugins.libp2p-mesh.config.meshTopic "old": channels.libp2p-mesh.meshTopic is set and counts.'
      ])
    )
  })

  it.each([
    ['deliveryAckTimeoutMs', 5, ' 5: expected a whole number from 100 to 600000.'],
    ['discovery', 'kad', ' "kad": expected one of mdns, bootstrap, dht.'],
    ['enableUPnP', 'yes', ' "yes": expected true or false.'],
    [
      'listenAddrs',
      '/ip4/1.2.3.4/tcp/1',
      ' "/ip4/1.2.3.4/tcp/1": expected a list; each entry: a multiaddr such as /ip4/192.168.1.42/tcp/4001.'
    ],
    [
      'relayList',
      ['/ip4/1.2.3.4/tcp/1'],
      '[0] "/ip4/1.2.3.4/tcp/1": expected a multiaddr that ends in /p2p/<peer id>.'
    ],
    ['bogus', { a: 1 }, ' {"a":1}: there is no such setting.'],
    ['inboundChannel', 'feishu', undefined],
    [
      'instanceName',
      'bob\u0000',
      ' "bob\\u0000": no label; set channels.libp2p-mesh.name to letters and digits of one script, 32 at most.'
    ]
  ])('removes %s with a value that is refused, and says what is allowed', (key, value, sentence) => {
    const { settings, changes } = repair(SHAPES['plugins.libp2p-mesh']?.({ [key]: value }) ?? {})
    expect(settings).toEqual({ enabled: true })
    expect(changes).toContain(
      sentence === undefined
        ? `Removed channels.libp2p-mesh.${key} "${value}": inboundChannel and inboundTarget belong together.`
        : `Removed plugins.libp2p-mesh.config.${key}${sentence}`
    )
  })

  it('keeps the right entries of a list, and the first ones of a list that is too long', () => {
    const good = Array.from({ length: 9 }, (_, index) => `/ip4/192.0.2.${index}/tcp/4001`)
    const { settings, changes } = repair({ plugins: { [ID]: { config: { listenAddrs: ['tcp', ...good] } } } })
    expect(settings).toEqual({ listenAddrs: good.slice(0, 8) })
    expect(changes).toEqual(
      expect.arrayContaining([
        'Removed plugins.libp2p-mesh.config.listenAddrs[0] "tcp": expected a multiaddr such as /ip4/192.168.1.42/tcp/4001.',
        'Removed plugins.libp2p-mesh.config.listenAddrs ["/ip4/192.0.2.8/tcp/4001"]: expected 8 entries at most, the first ones are kept.'
      ])
    )
  })

  it.each(PREDECESSOR_KEYS.filter(key => key !== 'instanceName' && key !== 'inboundTargets'))(
    'D-23: says what to do instead of %s, wherever it stands',
    key => {
      for (const [shape, make] of Object.entries(SHAPES)) {
        const { changes } = repair(make({ [key]: true }))
        expect(changes[0]).toMatch(new RegExp(`^Removed ${PATHS[shape]}\\.${key} true: .*\\S\\.$`))
      }
      const { settings, changes } = repair({ channels: { [ID]: { [key]: 1, discovery: 'bootstrap' } } })
      expect(settings).toEqual({ discovery: 'bootstrap' })
      expect(changes).toEqual([expect.stringMatching(new RegExp(`^Removed channels\\.libp2p-mesh\\.${key} 1: `))])
    }
  )

  it('D-25: says that the file of another peerIdPath must be copied before the first start', () => {
    const { changes } = repair({ plugins: { [ID]: { config: { peerIdPath: '/keys/peer.json' } } } })
    expect(changes[0]).toBe(
      'Removed plugins.libp2p-mesh.config.peerIdPath "/keys/peer.json": copy that file to libp2p/peer-id.json in the state directory (~/.openclaw, or $OPENCLAW_STATE_DIR) before the first start, or this instance starts with a new identity.'
    )
  })

  it('says what becomes of messages that the predecessor was told to show nowhere', () => {
    const { settings, changes } = repair({ plugins: { entries: { [ID]: { config: { inboundTargets: [] } } } } })
    expect(settings).toEqual({ enabled: true })
    expect(changes[0]).toContain(
      'inboundTargets []: it switched messages off. Now a message of a peer that you have approved'
    )
  })

  it('keeps a switched-off plugin off, and a switch that is set already', () => {
    expect(repair({ plugins: { [ID]: { enabled: false } } }).config.plugins).toEqual({
      entries: { [ID]: { enabled: false } }
    })
    const set = repair({ plugins: { [ID]: { enabled: true }, entries: { [ID]: { enabled: false } } } })
    expect(set.config.plugins).toEqual({ entries: { [ID]: { enabled: false } } })
    expect(set.changes).toContain(
      'Removed plugins.libp2p-mesh.enabled true: plugins.entries.libp2p-mesh.enabled is set and counts.'
    )
  })

  it('keeps a reference to the environment, whose value only the host knows', () => {
    const [address, owner] = ['MESH_ADDR', 'OWNER'].map(name => `\${${name}}`)
    const settings = { listenAddrs: [address], inboundChannel: 'feishu', inboundTarget: owner }
    expect(repair({ plugins: { [ID]: { config: settings } } }).settings).toEqual(settings)
  })

  it('never lets everybody in by half of the two settings that it takes', () => {
    const all = repair({
      plugins: {
        entries: { [ID]: { config: { allowFrom: ['*', 'k5xq-3abc-defg-hijk-lmno-pqrs'], dmPolicy: 'everyone' } } }
      }
    })
    expect(all.settings).toEqual({ allowFrom: ['k5xq-3abc-defg-hijk-lmno-pqrs'] })
    const open = repair({ plugins: { entries: { [ID]: { config: { allowFrom: '*', dmPolicy: 'open' } } } } })
    expect(open.settings).toEqual({ enabled: true })
    const both = { allowFrom: ['*'], dmPolicy: 'open' }
    expect(repair({ plugins: { entries: { [ID]: { config: both } } } }).settings).toEqual(both)
  })

  it('changes nothing where there is nothing to repair', () => {
    for (const config of [
      {},
      { plugins: { entries: { [ID]: { enabled: true } } }, channels: { [ID]: { enabled: true, bogus: 1 } } },
      { plugins: { entries: { [ID]: { enabled: true, config: {} } } } },
      { plugins: [], channels: null } as unknown as Config
    ]) {
      const repaired = normalizeCompatibilityConfig({ cfg: config })
      expect(repaired).toEqual({ config, changes: [] })
      expect(repaired.config).toBe(config)
    }
  })

  it.each(Object.entries(SHAPES))('makes settings that are understood of any old block, once (%s)', (_, make) => {
    fc.assert(
      fc.property(oldBlock, settings => {
        const old = make(settings)
        const before = structuredClone(old)
        const { config, changes, settings: repaired } = repair(old)
        expect(old).toEqual(before)
        expect(() => parseSettings(repaired ?? {}, 'channels.libp2p-mesh')).not.toThrow()
        expect(changes.length > 0).toBe(Object.keys(settings).length > 0 || old.plugins?.[ID] !== undefined)
        expect(normalizeCompatibilityConfig({ cfg: config })).toEqual({ config, changes: [] })
        for (const [key, value] of Object.entries(settings)) {
          const kept = JSON.stringify(repaired?.[key]) === JSON.stringify(value)
          expect(kept || changes.some(change => change.includes(key)), `${key} went silently`).toBe(true)
        }
      }),
      { numRuns: 500 }
    )
  })

  it.each(Object.entries(SHAPES))('keeps every documented setting that has a right value (%s)', (_, make) => {
    fc.assert(
      fc.property(
        blockOf(DOCUMENTED, rightValue),
        blockOf(PREDECESSOR_KEYS, () => fc.jsonValue({ maxDepth: 3 })),
        (documented, retired) => {
          const { settings } = repair(make({ ...documented, ...retired }))
          // One half of the pair alone never showed a message anywhere.
          if ((documented.inboundChannel === undefined) !== (documented.inboundTarget === undefined)) {
            delete documented.inboundChannel
            delete documented.inboundTarget
          }
          expect(settings ?? {}).toMatchObject(documented)
        }
      ),
      { numRuns: 300 }
    )
  })

  it('changes no settings that were in force, wherever they stood', () => {
    fc.assert(
      fc.property(blockOf(DOCUMENTED, rightValue), blockOf(DOCUMENTED, rightValue), (entry, channel) => {
        for (const half of ['inboundChannel', 'inboundTarget']) {
          delete entry[half]
          delete channel[half]
        }
        const { settings } = repair({ plugins: { entries: { [ID]: { config: entry } } }, channels: { [ID]: channel } })
        expect(parseSettings(settings, '')).toEqual(parseSettings({ ...entry, ...channel }, ''))
      })
    )
  })
})

describe('what the host looks for', () => {
  it('names the way out beside each old block, and beside no other', () => {
    const hits = (config: unknown): string[] =>
      legacyConfigRules
        .filter(({ path, match }) => {
          let value = config
          for (const key of path) value = Object(value)[key]
          return value !== undefined && (match === undefined || match(value))
        })
        .map(({ message }) => message)
    for (const old of [
      { plugins: { [ID]: {} } },
      { plugins: { entries: { [ID]: { config: { enableDHT: false } } } } },
      { channels: { [ID]: { inboundTargets: [] } } }
    ]) {
      expect(hits(old)).toEqual([expect.stringContaining('"openclaw doctor --fix"')])
    }
    expect(hits({ plugins: { entries: { [ID]: { config: { discovery: 'mdns' } } } }, channels: { [ID]: {} } })).toEqual(
      []
    )
  })

  it('is declared in the manifest, which lets the predecessor be replaced before its settings are moved', () => {
    const manifest = buildManifest() as unknown as {
      configSchema: { properties: object }
      doctorContract: unknown
      configContracts: unknown
    }
    expect(manifest).toMatchObject({
      doctorContract: { configRepair: true, stateMigrations: [] },
      configContracts: { compatibilityMigrationPaths: ['plugins.libp2p-mesh'] }
    })
    expect(Object.keys(manifest.configSchema.properties)).toEqual(expect.arrayContaining([...PREDECESSOR_KEYS]))
  })
})
