import * as z from 'zod'
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

/**
 * Every setting, once: types, manifest, documentation and checks are made from this schema. Keys that the first readme of libp2p-mesh named
 * keep their name, type and default.
 */

const multiaddr = z
  .string()
  .max(ADDRESS_MAX_CHARS)
  .regex(MULTIADDR, EXPECTED_MULTIADDR)
  .refine(isKnownAddress, EXPECTED_MULTIADDR)
const peerMultiaddr = multiaddr.regex(ENDS_IN_PEER_ID, EXPECTED_PEER_MULTIADDR)

const allowed = z.string().min(1).max(ALLOWED_MAX_CHARS).refine(isAllowed, EXPECTED_ALLOWED)

const flag = (fallback: boolean, title: string, description: string) =>
  z.boolean().default(fallback).meta({ title, description })

export const settingsSchema = z.strictObject({
  enabled: flag(true, 'Enabled', 'Start the mesh with the gateway.'),
  name: z.string().min(1).max(LABEL_MAX_CHARS).optional().meta({
    title: 'Name',
    description: 'Label of this instance, shown to peers beside its fingerprint. Two random words when not set.'
  }),
  discovery: z.enum(DISCOVERIES).default('mdns').meta({
    title: 'Discovery',
    description: 'How peers are found: mdns (same network), bootstrap (the list only), dht (Kademlia).'
  }),
  listenAddrs: z
    .array(multiaddr)
    .max(ROUTE_ADDRESSES_MAX)
    .default(['/ip4/0.0.0.0/tcp/0'])
    .meta({ title: 'Listen addresses', description: 'Multiaddrs to listen on; port 0 is a random port.' }),
  bootstrapList: z.array(peerMultiaddr).max(LIST_MAX).default([]).meta({
    title: 'Bootstrap peers',
    description: 'Multiaddrs with /p2p/<peer id> that are dialled at start, in every discovery mode.'
  }),
  enableWebSocket: flag(
    false,
    'WebSocket',
    'Dial and accept WebSocket connections (/ws); beside each listen address where listenAddrs names none with /ws.'
  ),
  meshTopic: z.string().min(1).max(TOPIC_MAX_CHARS).regex(TOPIC, EXPECTED_TOPIC).default('openclaw-mesh').meta({
    title: 'Broadcast topic',
    description: 'Topic of broadcasts; instances with the same topic hear each other.'
  }),
  enableAgentSync: flag(true, 'Agent sync', 'Exchange profiles and presence with admitted peers.'),
  enableNATTraversal: flag(
    true,
    'NAT traversal',
    'Master switch of identify, AutoNAT, UPnP, circuit relay and hole punching.'
  ),
  enableIdentify: flag(true, 'Identify', 'The libp2p identify protocol, needed by AutoNAT and hole punching.'),
  enableAutoNAT: flag(true, 'AutoNAT', 'Find out whether this instance can be reached from outside.'),
  enableUPnP: flag(true, 'UPnP', 'Ask the home router to open a port.'),
  enableCircuitRelay: flag(true, 'Circuit relay', 'Reach peers through a relay (/p2p-circuit).'),
  enableCircuitRelayServer: flag(
    false,
    'Circuit relay server',
    'Be a relay for admitted peers; for hosts with a public address.'
  ),
  enableDCUtR: flag(true, 'Hole punching', 'Turn a relayed connection into a direct one.'),
  relayList: z
    .array(peerMultiaddr)
    .max(LIST_MAX)
    .default([])
    .meta({ title: 'Relays', description: 'Multiaddrs of relays to reserve a slot on.' }),
  discoverRelays: z
    .number()
    .int()
    .min(0)
    .max(RELAYS_MAX)
    .default(0)
    .meta({ title: 'Discover relays', description: 'How many relays to look for by content routing.' }),
  announceAddrs: z
    .array(multiaddr)
    .max(ROUTE_ADDRESSES_MAX)
    .default([])
    .meta({ title: 'Announce addresses', description: 'Multiaddrs to announce besides the detected ones.' }),
  inboundChannel: z.string().min(1).max(CHANNEL_MAX_CHARS).optional().meta({
    title: 'Inbound channel',
    description:
      'Channel that displays inbound messages, for example feishu. Without it they start a turn of the agent.'
  }),
  inboundTarget: z
    .string()
    .min(1)
    .max(TARGET_MAX_CHARS)
    .optional()
    .meta({ title: 'Inbound target', description: 'Target in that channel, for example user:ou_xxx or chat:oc_xxx.' }),
  deliveryAckTimeoutMs: z.number().int().min(ACK_TIMEOUT_MIN_MS).max(ACK_TIMEOUT_MAX_MS).default(15_000).meta({
    title: 'Delivery timeout (ms)',
    description:
      'How long a send waits for the receipt it asked for before it says pending, and how long a channel may take to show a text.'
  }),
  dmPolicy: z.enum(DM_POLICIES).default('pairing').meta({
    title: 'Admission',
    description:
      'Who may write to this instance: pairing (peers the owner approved), allowlist (those and allowFrom, nobody is asked for), open (everybody; needs "*" in allowFrom), disabled.'
  }),
  allowFrom: z
    .array(allowed)
    .max(ALLOWED_MAX)
    .default([])
    .meta({ title: 'Allowed peers', description: 'Instance ids or peer ids that are admitted without a command.' }),
  notifyOnly: z.array(allowed).max(ALLOWED_MAX).default([]).meta({
    title: 'Shown only',
    description:
      'Instance ids or peer ids whose messages are shown to the owner and start no turn of the agent; "*" for everybody. While an entry names nobody, such as a group that is not there, it means everybody.'
  }),
  onUnknown: z.enum(ON_UNKNOWN).optional().meta({
    title: 'Unknown outcomes',
    description:
      'What to do with a message when a crash or a channel hid what came of it: repeat (once more), skip (never; you are told). When not set, a text is shown once more with a mark, a turn without tools runs once more, and of any other turn you are told.'
  }),
  trustedTools: z
    .array(z.string().min(1).max(TOOL_NAME_MAX_CHARS).regex(TOOL_NAME, EXPECTED_TOOL_NAME))
    .max(TOOLS_MAX)
    .default([])
    .meta({
      title: 'Tools of trusted peers',
      description:
        'Names of the single tools that the agent may use in turns of peers whose trust is "trusted"; its tool search finds no others there. Ids of plugins, and tools of the mesh that send, are left out, and status says so; "write" brings "apply_patch" with it. Turns of all other peers have no tool at all.'
    })
})

/** Settings of the bare host: the same, and what answers in place of an agent. */
export const nodeSettingsSchema = settingsSchema.extend({
  replyCommand: z.array(z.string().min(1)).min(1).max(64).optional().meta({
    title: 'Reply command',
    description: 'Program and arguments; an inbound text on its standard input, its standard output is the reply.'
  })
})

export type Settings = z.output<typeof settingsSchema>
export type NodeSettings = z.output<typeof nodeSettingsSchema>

/** A value that somebody may have asked for in vain. */
type Asked = (value: unknown) => boolean

const on: Asked = value => value === true

/**
 * Settings that are checked today and whose work comes in a later release, with the values that have no effect until then; status names those
 * that are set. A switch that is off for work that is not done yet does what it says.
 */
export const PENDING_SETTINGS: Partial<Record<keyof Settings, Asked>> = {
  discovery: value => value === 'dht',
  enableAgentSync: on,
  enableDCUtR: on,
  discoverRelays: value => typeof value === 'number' && value > 0
}
