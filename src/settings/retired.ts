/**
 * Settings that the predecessors of this package had and it has not: each with what to do instead, in one sentence. Two more carry over in
 * another form: `instanceName` and `inboundTargets`.
 */
export const RETIRED_SETTINGS: ReadonlyMap<string, string> = new Map([
  ['enableMDNS', 'mDNS belongs to discovery "mdns"; set discovery to "bootstrap" to do without it.'],
  [
    'peerIdPath',
    'copy that file to libp2p/peer-id.json in the state directory (~/.openclaw, or $OPENCLAW_STATE_DIR) before the first start, or this instance starts with a new identity.'
  ],
  ['enablePubsub', 'broadcasts are always on and go to admitted peers only, so there is nothing to set.'],
  ['enableDHT', 'a DHT is asked for with discovery "dht".'],
  ['relayChannel', 'set inboundChannel and inboundTarget to say where messages are shown.'],
  ['relayAccountId', 'set inboundChannel and inboundTarget to say where messages are shown.'],
  ['announceLogDetail', 'what peers announce is never logged, so there is nothing to set.'],
  ['publicAttributeRefreshStartupDelayMs', 'nothing is read from USER.md or announced about you any more.'],
  ['userPublicAttributes', 'nothing is announced about you any more.']
])

/** Every key of the predecessors that is no setting here. */
export const PREDECESSOR_KEYS: readonly string[] = ['instanceName', 'inboundTargets', ...RETIRED_SETTINGS.keys()]

/** One sentence with the way out, when the block has settings of the predecessors. */
export function predecessorProblem(block: object): string | undefined {
  const keys = PREDECESSOR_KEYS.filter(key => Object.hasOwn(block, key))
  if (keys.length === 0) return undefined
  return `The configuration has settings of the predecessor (${keys.join(', ')}); "openclaw doctor --fix" moves what is still used and says what to do about the rest.`
}
