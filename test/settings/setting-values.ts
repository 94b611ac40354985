import fc from 'fast-check'

const PEER = '12D3KooWGqaYQjJcTFsjty1aP9zgwtbHhMF13h6rykJ2ocDz1pWL'

const address = fc
  .tuple(fc.ipV4(), fc.integer({ min: 0, max: 65_535 }))
  .map(([host, port]) => `/ip4/${host}/tcp/${port}`)
const peerAddress = address.map(text => `${text}/p2p/${PEER}`)
const word = fc.stringMatching(/^[a-z][a-z0-9:_-]{0,20}$/)

const instance = fc.stringMatching(/^([a-z]{1,8}@)?[a-z2-7]{4}(-[a-z2-7]{4}){5}$/)

const allowed = fc.oneof(instance, fc.constantFrom(PEER, 'accessGroup:friends'))

const RIGHT: Record<string, fc.Arbitrary<unknown>> = {
  name: word.map(text => text.replace(/:/g, '-')),
  discovery: fc.constantFrom('mdns', 'bootstrap', 'dht'),
  listenAddrs: fc.array(address, { maxLength: 8 }),
  bootstrapList: fc.array(peerAddress, { maxLength: 4 }),
  meshTopic: word,
  relayList: fc.array(peerAddress, { maxLength: 4 }),
  discoverRelays: fc.integer({ min: 0, max: 8 }),
  announceAddrs: fc.array(address, { maxLength: 8 }),
  inboundChannel: word,
  inboundTarget: word,
  deliveryAckTimeoutMs: fc.integer({ min: 100, max: 600_000 }),
  dmPolicy: fc.constantFrom('pairing', 'allowlist', 'disabled'),
  allowFrom: fc.array(allowed, { maxLength: 4 }),
  notifyOnly: fc.array(allowed, { maxLength: 4 }),
  onUnknown: fc.constantFrom('repeat', 'skip'),
  trustedTools: fc.array(fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/), { maxLength: 4 })
}

/** What somebody may have typed by mistake. */
const wrong = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(null, 'true', 0, -1, 1.5, '', ' ', [], {}, [''], ['/'], '/ip4/1.2.3.4/tcp/1'),
  fc.array(fc.oneof(address, peerAddress, fc.string({ maxLength: 20 })), { maxLength: 12 })
)

/** A value that the schema allows for the setting. */
export function rightValue(key: string): fc.Arbitrary<unknown> {
  return RIGHT[key] ?? fc.boolean()
}

/** A value of a setting: right more often than not. */
export function settingValue(key: string): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 3, arbitrary: rightValue(key) }, { weight: 2, arbitrary: wrong })
}
