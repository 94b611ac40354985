import { ADDRESS_MAX_CHARS, isKnownAddress } from '../protocol/address.ts'
import { LABEL_MAX_CHARS, ROUTE_ADDRESSES_MAX, TOPIC_MAX_CHARS } from '../protocol/limits.ts'
import { isAllowed } from './allowed.ts'
import {
  ACK_TIMEOUT_MAX_MS,
  ACK_TIMEOUT_MIN_MS,
  ALLOWED_MAX,
  ALLOWED_MAX_CHARS,
  CHANNEL_MAX_CHARS,
  DISCOVERIES,
  DM_POLICIES,
  ENDS_IN_PEER_ID,
  EXPECTED_ALLOWED,
  EXPECTED_MULTIADDR,
  EXPECTED_PEER_MULTIADDR,
  EXPECTED_TOOL_NAME,
  EXPECTED_TOPIC,
  LIST_MAX,
  MULTIADDR,
  ON_UNKNOWN,
  RELAYS_MAX,
  TARGET_MAX_CHARS,
  TOOL_NAME,
  TOOL_NAME_MAX_CHARS,
  TOOLS_MAX,
  TOPIC
} from './limits.ts'

/** What one value may be. */
export interface Check {
  allows(value: unknown): boolean
  /** In words: `expected …`. */
  expected: string
}

/** A setting: a value, or a list of values with the most that it may have. */
export type SettingCheck = Check | { entry: Check; max: number }

const flag: Check = { allows: value => typeof value === 'boolean', expected: 'expected true or false' }

const address = only(isKnownAddress, text(1, ADDRESS_MAX_CHARS, EXPECTED_MULTIADDR, MULTIADDR))
const peerAddress = only(
  isKnownAddress,
  text(1, ADDRESS_MAX_CHARS, EXPECTED_PEER_MULTIADDR, MULTIADDR, ENDS_IN_PEER_ID)
)

const allowed = { entry: only(isAllowed, text(1, ALLOWED_MAX_CHARS, EXPECTED_ALLOWED)), max: ALLOWED_MAX }

/**
 * What the schema says of each setting, without the library that it is written in: the repair of old settings is loaded by every command that
 * meets them. A test compares both.
 */
export const SETTING_CHECKS: ReadonlyMap<string, SettingCheck> = new Map<string, SettingCheck>([
  ['enabled', flag],
  ['name', text(1, LABEL_MAX_CHARS)],
  ['discovery', oneOf(DISCOVERIES)],
  ['listenAddrs', { entry: address, max: ROUTE_ADDRESSES_MAX }],
  ['bootstrapList', { entry: peerAddress, max: LIST_MAX }],
  ['enableWebSocket', flag],
  ['meshTopic', text(1, TOPIC_MAX_CHARS, EXPECTED_TOPIC, TOPIC)],
  ['enableAgentSync', flag],
  ['enableNATTraversal', flag],
  ['enableIdentify', flag],
  ['enableAutoNAT', flag],
  ['enableUPnP', flag],
  ['enableCircuitRelay', flag],
  ['enableCircuitRelayServer', flag],
  ['enableDCUtR', flag],
  ['relayList', { entry: peerAddress, max: LIST_MAX }],
  ['discoverRelays', wholeNumber(0, RELAYS_MAX)],
  ['announceAddrs', { entry: address, max: ROUTE_ADDRESSES_MAX }],
  ['inboundChannel', text(1, CHANNEL_MAX_CHARS)],
  ['inboundTarget', text(1, TARGET_MAX_CHARS)],
  ['deliveryAckTimeoutMs', wholeNumber(ACK_TIMEOUT_MIN_MS, ACK_TIMEOUT_MAX_MS)],
  ['dmPolicy', oneOf(DM_POLICIES)],
  ['allowFrom', allowed],
  ['notifyOnly', allowed],
  ['onUnknown', oneOf(ON_UNKNOWN)],
  ['trustedTools', { entry: text(1, TOOL_NAME_MAX_CHARS, EXPECTED_TOOL_NAME, TOOL_NAME), max: TOOLS_MAX }]
])

function text(
  min: number,
  max: number,
  expected = `expected ${min} to ${max} characters`,
  ...patterns: RegExp[]
): Check {
  return {
    allows: value =>
      typeof value === 'string' &&
      value.length >= min &&
      value.length <= max &&
      patterns.every(pattern => pattern.test(value)),
    expected
  }
}

/** A text that has to pass one more test. */
function only(passes: (text: string) => boolean, { allows, expected }: Check): Check {
  return { allows: value => allows(value) && typeof value === 'string' && passes(value), expected }
}

function wholeNumber(min: number, max: number): Check {
  return {
    allows: value => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
    expected: `expected a whole number from ${min} to ${max}`
  }
}

function oneOf(values: readonly string[]): Check {
  return {
    allows: value => typeof value === 'string' && values.includes(value),
    expected: `expected one of ${values.join(', ')}`
  }
}
