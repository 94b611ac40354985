import { constantOf } from './constants.ts'

/** Where a limit stands: the name of its constant, how its number is counted, and the section that it belongs to. */
type Entry = [name: string, unit: string, section: string]

/** The limits of one file, in the order of the table. */
interface Source {
  file: string
  limits: Entry[]
}

const LIMITS_FILE = 'src/protocol/limits.ts'

/** What both sides rely on: another value is another protocol. */
export const WIRE: Source[] = [
  {
    file: LIMITS_FILE,
    limits: [
      ['FRAME_MAX_BYTES', 'bytes', '3.1'],
      ['PAIR_FRAME_MAX_BYTES', 'bytes', '11'],
      ['TEXT_MAX_BYTES', 'bytes', '6.2'],
      ['BROADCAST_TEXT_MAX_BYTES', 'bytes', '6.2'],
      ['ID_BYTES', 'bytes', '5.2'],
      ['EPOCH_BYTES', 'bytes', '5.2'],
      ['PUBLIC_KEY_BYTES', 'bytes', '1.1'],
      ['SIGNATURE_BYTES', 'bytes', '5.1'],
      ['HASH_BYTES', 'bytes', '5.1'],
      ['FINGERPRINT_BYTES', 'bytes', '1.2'],
      ['LABEL_MAX_CHARS', 'code points', '1.4'],
      ['TOPIC_MAX_CHARS', 'code points', '6.3'],
      ['MERKLE_PATH_MAX', 'hashes', '5.4'],
      ['RECEIPTS_MAX', 'receipts', '7.1'],
      ['ROUTE_ADDRESSES_MAX', 'addresses', '10'],
      ['ROUTE_TTL_MS', 'ms', '10'],
      ['TRACE_HOPS_MAX', 'hops', '5.3'],
      ['TRACE_DEPTH_MAX', 'steps', '9.3'],
      ['EXPIRY_DEFAULT_MS', 'ms', '9.1'],
      ['EXPIRY_MAX_MS', 'ms', '5.3'],
      ['CLOCK_TOLERANCE_MS', 'ms', '13.2'],
      ['TICKET_SECRET_BYTES', 'bytes', '11.1'],
      ['TICKET_ID_BYTES', 'bytes', '11.1'],
      ['TICKET_USES_MAX', 'instances', '11.1'],
      ['TICKET_TEXT_MAX_CHARS', 'characters', '11.1'],
      ['TICKET_TTL_MAX_MS', 'ms', '11.1'],
      ['PURPOSE_MAX_CHARS', 'characters', '11.2']
    ]
  },
  {
    file: 'src/protocol/content-rules.ts',
    limits: [
      ['SIGNED_MAX_BYTES', 'bytes', '5.1'],
      ['CHUNKS_MAX', 'pieces', '6.2'],
      ['ROUTE_MAX_BYTES', 'bytes', '6.2']
    ]
  },
  { file: 'src/protocol/address.ts', limits: [['ADDRESS_MAX_CHARS', 'characters', '10']] },
  { file: 'src/protocol/hello.ts', limits: [['KINDS_MAX', 'kinds', '4']] },
  { file: 'src/protocol/merkle.ts', limits: [['GROUP_MAX', 'envelopes', '5.4']] },
  { file: 'src/mesh/broadcast.ts', limits: [['DATA_MAX_BYTES', 'bytes', '12.1']] }
]

/** Of connections, streams and strangers. */
export const LINK: Source[] = [
  {
    file: 'src/node/link.ts',
    limits: [
      ['HELLO_MS', 'ms', '4'],
      ['FRAME_MS', 'ms', '3.1'],
      ['DRAIN_MS', 'ms', '9.4']
    ]
  },
  {
    file: 'src/node/links.ts',
    limits: [
      ['LINK_STREAMS_MAX', 'streams', '9.4'],
      ['PEERS_MAX', 'peers', '9.4'],
      ['SIMULTANEOUS_MS', 'ms', '9.5'],
      ['GIVE_WAY_MS', 'ms', '9.5']
    ]
  },
  {
    file: 'src/node/frame-writer.ts',
    limits: [
      ['BUFFER_MAX_BYTES', 'bytes', '3.1'],
      ['STALL_MS', 'ms', '3.1']
    ]
  },
  {
    file: 'src/node/pair-protocol.ts',
    limits: [
      ['PAIR_MS', 'ms', '11'],
      ['PAIR_STREAMS_MAX', 'streams', '11']
    ]
  },
  {
    file: 'src/node/strikes.ts',
    limits: [
      ['STRIKES_MAX', 'strikes', '13.4'],
      ['FORGIVE_MS', 'ms', '13.4']
    ]
  },
  { file: 'src/node/dialler.ts', limits: [['CONNECT_MS', 'ms', '2.4']] },
  {
    file: 'src/node/limits.ts',
    limits: [
      ['CONNECTIONS_MAX', 'connections', '2.4'],
      ['PEER_CONNECTIONS_MAX', 'connections', '2.4'],
      ['STRANGERS_MAX', 'connections', '2.4'],
      ['STRANGERS_PER_HOST_MAX', 'connections', '2.4']
    ]
  },
  {
    file: 'src/node/assemble.ts',
    limits: [
      ['PENDING_MAX', 'connections', '2.4'],
      ['UPGRADE_MS', 'ms', '2.4'],
      ['INBOUND_PER_SECOND', 'connections', '2.4'],
      ['DIAL_ADDRESSES_MAX', 'addresses', '2.4'],
      ['DIAL_ADDRESS_MS', 'ms', '2.4'],
      ['SOCKET_IDLE_MS', 'ms', '2.4'],
      ['KEEP_ALIVE_MS', 'ms', '2.4'],
      ['LIVENESS_INTERVAL_MS', 'ms', '2.4'],
      ['LIVENESS_ANSWER_MS', 'ms', '2.4']
    ]
  },
  {
    file: 'src/node/mdns.ts',
    limits: [
      ['ADDRESSES_MAX', 'addresses', '2.3'],
      ['ANSWER_MAX_BYTES', 'bytes', '2.3'],
      ['ANSWERING.firstMs', 'ms', '2.3'],
      ['ANSWERING.lastMs', 'ms', '2.3'],
      ['ANSWERING.pauseMs', 'ms', '2.3']
    ]
  },
  {
    file: 'src/node/mdns-group.ts',
    limits: [
      ['PACKET_MAX_BYTES', 'bytes', '2.3'],
      ['RECORDS_MAX', 'records', '2.3']
    ]
  },
  {
    file: 'src/node/query-schedule.ts',
    limits: [
      ['STEADY_MS', 'ms', '2.3'],
      ['BORROWED_MAX', 'queries', '2.3']
    ]
  },
  { file: 'src/node/spares.ts', limits: [['SPARE_MS', 'ms', '2.4']] },
  {
    file: 'src/mesh/presence.ts',
    limits: [
      ['LINK_GRACE_MS', 'ms', '9.4'],
      ['DIAL_SPACING_MS', 'ms', '2.4'],
      ['STRANGERS_MAX', 'connections', '2.4']
    ]
  },
  {
    file: 'src/mesh/sightings.ts',
    limits: [
      ['SPACING_FIRST_MS', 'ms', '2.4'],
      ['SPACING_LAST_MS', 'ms', '2.4']
    ]
  },
  { file: 'src/node/dialler.ts', limits: [['FOREIGN.forgetMs', 'ms', '2.4']] },
  {
    file: 'src/mesh/backoff.ts',
    limits: [
      ['BACKOFF_FIRST_MS', 'ms', '2.4'],
      ['BACKOFF_MAX_MS', 'ms', '2.4']
    ]
  },
  {
    file: 'src/node/gossip.ts',
    limits: [
      ['RPC_MAX_BYTES', 'bytes', '12.1'],
      ['STRANGER_SCORE', 'points', '12.4'],
      ['STREAMS_MAX', 'streams', '12.1']
    ]
  }
]

/** Of what is taken, kept and sent. */
export const KEEPING: Source[] = [
  {
    file: 'src/mesh/admission.ts',
    limits: [
      ['ENVELOPES_PER_SECOND', 'envelopes', '13.1'],
      ['ENVELOPES_BURST', 'envelopes', '13.1'],
      ['STRIKE_COST', 'envelopes', '13.4'],
      ['DEFER_MIN_MS', 'ms', '13.1']
    ]
  },
  {
    file: 'src/mesh/inbox.ts',
    limits: [
      ['HELD_MAX_BYTES', 'bytes', '13.1'],
      ['DEFER_MS', 'ms', '13.1'],
      ['STORE_DEFER_MS', 'ms', '13.1']
    ]
  },
  {
    file: 'src/mesh/inbox-caps.ts',
    limits: [
      ['KEPT_MAX_BYTES', 'bytes', '8.2'],
      ['KEPT_TOTAL_MAX_BYTES', 'bytes', '8.2'],
      ['ROW_BYTES', 'bytes', '8.2'],
      ['CONVERSATIONS_MAX', 'conversations', '8.2'],
      ['CONVERSATIONS_TOTAL_MAX', 'conversations', '8.2'],
      ['GAP_WAIT_MS', 'ms', '8.2']
    ]
  },
  {
    file: 'src/mesh/dispatch.ts',
    limits: [
      ['INSTANCE_MAX_ENTRIES', 'envelopes', '13.1'],
      ['INSTANCE_MAX_BYTES', 'bytes', '13.1'],
      ['TOTAL_MAX_ENTRIES', 'envelopes', '13.1'],
      ['TOTAL_MAX_BYTES', 'bytes', '13.1'],
      ['DISPATCHES_MAX', 'conversations', '9.3'],
      ['INSTANCE_DISPATCHES_MAX', 'conversations', '9.3'],
      ['RETRIES_MAX', 'tries', '9.3']
    ]
  },
  { file: 'src/mesh/conversation.ts', limits: [['GAP_MAX_MS', 'ms', '8.3']] },
  { file: 'src/mesh/delivery.ts', limits: [['TURN_MAX_MS', 'ms', '9.3']] },
  {
    file: 'src/mesh/outbox.ts',
    limits: [
      ['GROUP_MAX_ENVELOPES', 'envelopes', '5.4'],
      ['GROUP_MAX_BYTES', 'bytes', '5.4']
    ]
  },
  {
    file: 'src/mesh/lane.ts',
    limits: [
      ['WINDOW_ENVELOPES', 'envelopes', '9.1'],
      ['WINDOW_BYTES', 'bytes', '9.1'],
      ['RESEND_MS', 'ms', '9.1'],
      ['HOLD_MIN_MS', 'ms', '7.3'],
      ['HOLD_MAX_MS', 'ms', '7.3']
    ]
  },
  {
    file: 'src/mesh/outbox-caps.ts',
    limits: [
      ['INSTANCE_MAX_ENTRIES', 'envelopes', '9.1'],
      ['INSTANCE_MAX_BYTES', 'bytes', '9.1'],
      ['TOTAL_MAX_ENTRIES', 'envelopes', '9.1'],
      ['TOTAL_MAX_BYTES', 'bytes', '9.1']
    ]
  },
  { file: 'src/mesh/receipt-queue.ts', limits: [['WAITING_MAX', 'receipts', '7.4']] },
  {
    file: 'src/mesh/retention.ts',
    limits: [
      ['KEEP_MS', 'ms', '8.2'],
      ['WINDOW_KEEP_MS', 'ms', '8.2']
    ]
  },
  { file: 'src/mesh/own-route.ts', limits: [['RENEW_MS', 'ms', '10']] },
  {
    file: 'src/mesh/route-table.ts',
    limits: [
      ['ROUTES_MAX', 'instances', '10'],
      ['STRANGERS_MAX', 'instances', '10']
    ]
  },
  {
    file: 'src/mesh/broadcast.ts',
    limits: [
      ['LIFE_MS', 'ms', '12.2'],
      ['AUTHOR_RATE.perSecond', 'texts per second', '12.3'],
      ['AUTHOR_RATE.burst', 'texts', '12.3'],
      ['STRANGERS_RATE.perSecond', 'texts per second', '12.3'],
      ['STRANGERS_RATE.burst', 'texts', '12.3'],
      ['CARRIER_RATE.perSecond', 'texts per second', '12.3'],
      ['CARRIER_RATE.burst', 'texts', '12.3']
    ]
  },
  {
    file: 'src/mesh/heard.ts',
    limits: [
      ['WINDOW_SEQS', 'seqs', '12.3'],
      ['EPOCHS_MAX', 'epochs', '12.3']
    ]
  }
]

export type Sources = Readonly<Record<string, string>>

/** Every file that a table reads. */
export function limitFiles(): string[] {
  return [...new Set([...WIRE, ...LINK, ...KEEPING].map(({ file }) => file))]
}

/** A table with a row per limit. Each name, value and reason is that of the source. */
export function limitTable(groups: Source[], sources: Sources): string {
  const known = knownLimits(sources)
  const read = (file: string, name: string) => {
    try {
      return constantOf(sources[file] ?? '', name, known)
    } catch (cause) {
      throw new Error(`${file}: ${name} cannot be put into docs/protocol.md`, { cause })
    }
  }
  const rows = groups.flatMap(({ file, limits }) =>
    limits.map(([name, unit, section]) => {
      const { value, reason } = read(file, name)
      return `| \`${name}\` | ${valueText(value, unit)} | ${cell(reason)} | ${section}; \`${file}\` |`
    })
  )
  return ['| name | value | why | section; source |', '|---|---|---|---|', ...rows].join('\n')
}

/** The exported limits by name. @throws where the wire table leaves one out */
function knownLimits(sources: Sources): Map<string, number> {
  const source = sources[LIMITS_FILE] ?? ''
  const names = [...source.matchAll(/^export const (\w+)/gm)].map(match => match[1] ?? '')
  const listed = new Set(WIRE.flatMap(({ limits }) => limits.map(([name]) => name)))
  const missing = names.filter(name => !listed.has(name))
  if (missing.length > 0) throw new Error(`docs/protocol.md would not name ${missing.join(', ')}`)
  const known = new Map<string, number>()
  for (const name of names) known.set(name, constantOf(source, name, known).value)
  // Made of the others, and named by files that import it.
  const rules = sources['src/protocol/content-rules.ts'] ?? ''
  return known.set('SIGNED_MAX_BYTES', constantOf(rules, 'SIGNED_MAX_BYTES', known).value)
}

/** Larger units, the largest first. */
const STEPS: Readonly<Record<string, [size: number, name: string][]>> = {
  ms: [
    [24 * 60 * 60 * 1000, 'd'],
    [60 * 60 * 1000, 'h'],
    [60 * 1000, 'min'],
    [1000, 's']
  ],
  bytes: [
    [1024 * 1024, 'MiB'],
    [1024, 'KiB']
  ]
}

/** `90,000 ms (1 min 30 s)`; without the brackets where they would not say all of it. */
function valueText(value: number, unit: string): string {
  const plain = `${value.toLocaleString('en-US')} ${unit}`
  let rest = value
  const parts: string[] = []
  for (const [size, name] of STEPS[unit] ?? []) {
    const count = Math.floor(rest / size)
    if (count > 0) parts.push(`${count} ${name}`)
    rest -= count * size
  }
  return parts.length === 0 || rest > 0 ? plain : `${plain} (${parts.join(' ')})`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<')
}
