import { describe, expect, it } from 'vitest'
import { parseNodeSettings, parseSettings, pendingSettings, SettingsError } from '../../src/settings/index.ts'
import { settingsSchema } from '../../src/settings/schema.ts'

const at = 'channels.libp2p-mesh'

function refusalOf(block: unknown): string {
  try {
    parseSettings(block, at)
  } catch (error) {
    if (error instanceof SettingsError) return error.message
    throw error
  }
  return 'not refused'
}

describe('settings', () => {
  it('S1.20: an enabled block is enough for a LAN, with the documented defaults (S1.27-S1.45)', () => {
    expect(parseSettings({ enabled: true }, at)).toEqual({
      enabled: true,
      discovery: 'mdns',
      listenAddrs: ['/ip4/0.0.0.0/tcp/0'],
      bootstrapList: [],
      enableWebSocket: false,
      meshTopic: 'openclaw-mesh',
      enableAgentSync: true,
      enableNATTraversal: true,
      enableIdentify: true,
      enableAutoNAT: true,
      enableUPnP: true,
      enableCircuitRelay: true,
      enableCircuitRelayServer: false,
      enableDCUtR: true,
      relayList: [],
      discoverRelays: 0,
      announceAddrs: [],
      deliveryAckTimeoutMs: 15_000,
      dmPolicy: 'pairing',
      allowFrom: [],
      notifyOnly: [],
      trustedTools: []
    })
  })

  it.each([
    [{ discovery: 'carrier-pigeon' }, /^channels\.libp2p-mesh\.discovery is "carrier-pigeon": .*mdns/],
    [
      { listenAddrs: ['0.0.0.0:4001'] },
      /^channels\.libp2p-mesh\.listenAddrs\.0 is "0\.0\.0\.0:4001": expected a multiaddr/
    ],
    [{ bootstrapList: ['/ip4/192.168.1.42/tcp/4001'] }, /bootstrapList\.0 is .*ends in \/p2p\/<peer id>/],
    [{ deliveryAckTimeoutMs: 'soon' }, /deliveryAckTimeoutMs is "soon": expected number/],
    [{ enableMDNS: true }, /^channels\.libp2p-mesh has no setting "enableMDNS"; known are enabled, name, discovery/],
    [{ dmPolicy: 'open' }, /dmPolicy is "open".*needs "\*" in channels\.libp2p-mesh\.allowFrom/],
    [
      { allowFrom: ['*', 'bob'] },
      /^channels\.libp2p-mesh\.allowFrom\.1 is "bob": expected a peer id, an instance id, accessGroup:<name> or "\*"\.$/
    ],
    [{ announceAddrs: ['/ip4/300.1.1.1/tcp/4001'] }, /announceAddrs\.0 is .*expected a multiaddr/],
    [
      { dmPolicy: 'open', allowFrom: ['*'], enableCircuitRelayServer: true },
      /^channels\.libp2p-mesh\.enableCircuitRelayServer is true while dmPolicy is "open".*set one of the two otherwise/
    ],
    [{ inboundChannel: 'feishu' }, /inboundTarget is not set/],
    [{ name: 7 }, /\.name is 7: expected string/]
  ])('S-32: %j is refused with path, value and what is allowed', (block, sentence) => {
    expect(() => parseSettings(block, at)).toThrow(sentence)
  })

  it('S-32: takes "*" out of force with the policy, so that an open mesh can be closed by one setting', () => {
    expect(parseSettings({ allowFrom: ['*'], dmPolicy: 'disabled' }, at)).toMatchObject({ dmPolicy: 'disabled' })
  })

  it('names the place where the setting stands', () => {
    const places = (key: string): string => (key === 'name' ? 'plugins.entries.libp2p-mesh.config' : at)
    expect(() => parseSettings({ name: 7 }, places)).toThrow(/^plugins\.entries\.libp2p-mesh\.config\.name is 7/)
    expect(() => parseSettings({ discovery: 7 }, places)).toThrow(/^channels\.libp2p-mesh\.discovery is 7/)
  })

  it('knows the reply command on the bare host only', () => {
    expect(parseNodeSettings({ replyCommand: ['cat'] }, 'config').replyCommand).toEqual(['cat'])
    expect(() => parseSettings({ replyCommand: ['cat'] }, at)).toThrow(/no setting "replyCommand"/)
  })

  it('names the settings whose work is still to come, and only those that were asked for', () => {
    expect(pendingSettings({ enabled: true, enableUPnP: false, relayList: [], discoverRelays: 0 })).toEqual([])
    expect(pendingSettings({ discovery: 'dht', discoverRelays: 2, enableUPnP: true, enableWebSocket: true })).toEqual([
      'discovery "dht"',
      'discoverRelays'
    ])
    expect(pendingSettings({ enableDCUtR: true })).toEqual(['enableDCUtR'])
    expect(pendingSettings({ enableIdentify: false, enableNATTraversal: false, enableDCUtR: false })).toEqual([])
    expect(pendingSettings({ enableIdentify: true, discovery: 'bootstrap' })).toEqual([])
  })

  const wrong: Record<string, unknown[]> = {
    enabled: ['yes', 1],
    name: [7, '', 'x'.repeat(33)],
    discovery: ['DHT', true, ['mdns']],
    listenAddrs: ['/ip4/0.0.0.0/tcp/0', [4001], ['tcp://1.2.3.4'], Array(9).fill('/ip4/0.0.0.0/tcp/0')],
    bootstrapList: [['/ip4/1.2.3.4/tcp/1'], ['/ip4/1.2.3.4/tcp/1/p2p/0OIl'], {}],
    enableWebSocket: ['true', null],
    meshTopic: ['', 'two words', '-first', '/first', 'x'.repeat(300), 1],
    enableAgentSync: [0],
    enableNATTraversal: ['false'],
    enableIdentify: [1],
    enableAutoNAT: ['on'],
    enableUPnP: [null],
    enableCircuitRelay: ['no'],
    enableCircuitRelayServer: [1],
    enableDCUtR: ['x'],
    relayList: [['/dns4/relay.example.org/tcp/4001'], 'x'],
    discoverRelays: [-1, 1.5, 9, '2', Number.NaN],
    announceAddrs: [['203.0.113.10:4001'], 3],
    inboundChannel: [7, '', 'x'.repeat(65)],
    inboundTarget: [7, ''],
    deliveryAckTimeoutMs: [99, 600_001, 1.5, '15000', Number.POSITIVE_INFINITY],
    dmPolicy: ['everyone', true],
    allowFrom: ['bob', [''], [7]],
    notifyOnly: ['bob', [''], [7]],
    onUnknown: ['retry', true, ''],
    trustedTools: ['exec', [''], [7], ['*'], ['group:fs'], ['p2p_*'], ['x'.repeat(65)]]
  }

  it('S-32: every setting with every wrong value is refused in one sentence that names path, value and what is allowed', () => {
    expect(Object.keys(wrong).toSorted()).toEqual(Object.keys(settingsSchema.shape).toSorted())
    for (const [key, values] of Object.entries(wrong)) {
      for (const value of values) {
        const refusal = refusalOf({ inboundChannel: 'feishu', inboundTarget: 'user:ou_1', [key]: value })
        expect(refusal, `${key} ${JSON.stringify(value)}`).toMatch(
          new RegExp(`^channels\\.libp2p-mesh\\.${key}(\\.0)? is .+: expected .+\\.$`)
        )
        expect(refusal).not.toContain('\n')
      }
    }
  })
})
