import { describe, expect, it } from 'vitest'
import { parseNodeSettings, parseSettings, pendingSettings } from '../../src/settings/index.ts'

const at = 'channels.libp2p-mesh'

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
      allowFrom: []
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
    [{ allowFrom: ['*'] }, /allowFrom has "\*".*needs channels\.libp2p-mesh\.dmPolicy "open"/],
    [{ inboundChannel: 'feishu' }, /inboundTarget is not set/],
    [{ name: 7 }, /\.name is 7: expected string/]
  ])('S-32: %j is refused with path, value and what is allowed', (block, sentence) => {
    expect(() => parseSettings(block, at)).toThrow(sentence)
  })

  it('knows the reply command on the bare host only', () => {
    expect(parseNodeSettings({ replyCommand: ['cat'] }, 'config').replyCommand).toEqual(['cat'])
    expect(() => parseSettings({ replyCommand: ['cat'] }, at)).toThrow(/no setting "replyCommand"/)
  })

  it('names the settings whose work is still to come, and only those that were asked for', () => {
    expect(pendingSettings({ enabled: true, enableUPnP: false, relayList: [], discoverRelays: 0 })).toEqual([])
    expect(pendingSettings({ discovery: 'dht', discoverRelays: 2, enableUPnP: true, enableWebSocket: true })).toEqual([
      'discovery "dht"',
      'enableWebSocket',
      'enableUPnP',
      'discoverRelays'
    ])
  })
})
