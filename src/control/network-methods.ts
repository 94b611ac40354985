import * as z from 'zod'

/** What can be asked about the networks that an instance stands in, and how far away others are. */

export const pathSchema = z.enum(['lan', 'direct', 'relayed'])

const verdictSchema = z.enum(['public', 'private', 'unknown'])

/** One entry of `relayList`. */
const relayStateSchema = z.object({
  peer: z.string(),
  /** As the settings name it. */
  address: z.string(),
  /** `reserved`: peers can be let in through it. `trying`: there is no reservation. `spare`: enough others hold one. */
  state: z.enum(['reserved', 'trying', 'spare']),
  /** One sentence; only where it is tried in vain. */
  problem: z.string().optional(),
  /** How long the reservation has been held. */
  ageMs: z.number().optional(),
  rttMs: z.number().optional()
})

const relayUsageSchema = z.object({
  reservations: z.object({ used: z.number().int(), max: z.number().int() }),
  /** Connections between two others. */
  circuits: z.number().int(),
  /** Since midnight UTC, both directions; the largest first. */
  today: z.object({
    bytes: z.number(),
    peers: z.array(z.object({ peer: z.string(), bytes: z.number(), maxBytes: z.number() }))
  }),
  /** Since the start. */
  refused: z.object({ reservations: z.number().int(), circuits: z.number().int() })
})

/** What the status says about the networks. */
export const networkStatus = {
  reachability: verdictSchema,
  /** One sentence: why. */
  reachabilityReason: z.string(),
  relays: z.array(relayStateSchema),
  /** What this instance carries for others; null where it is no relay. */
  relay: relayUsageSchema.nullable()
}

export const pingSchema = z.object({
  instanceId: z.string(),
  peerId: z.string(),
  name: z.string(),
  path: pathSchema,
  rttMs: z.number(),
  /** Where the peer is at the other end of the connection. */
  address: z.string()
})

export const netcheckSchema = z.object({
  /** Sockets that are open. */
  listeners: z.array(z.string()),
  /** The most useful first, those of containers last. */
  interfaces: z.array(
    z.object({
      name: z.string(),
      address: z.string(),
      kind: z.enum(['public', 'private', 'inner', 'loopback', 'link-local'])
    })
  ),
  multicast: z.object({ state: z.enum(['heard', 'silent', 'off']), detail: z.string() }),
  upnp: z.object({ state: z.enum(['mapped', 'none', 'off']), addresses: z.array(z.string()), detail: z.string() }),
  reachability: z.object({ verdict: verdictSchema, reason: z.string() }),
  /** What others found when they dialled each address. */
  addresses: z.array(z.object({ address: z.string(), verdict: z.enum(['reachable', 'unreachable', 'unknown']) })),
  /** Whether the router gives each destination another port, and the addresses that others saw. */
  natMapping: z.object({ kind: z.enum(['none', 'same', 'different', 'unknown']), seen: z.array(z.string()) }),
  relays: z.array(relayStateSchema),
  ipv6: z.object({ global: z.boolean(), detail: z.string() }),
  /** The most useful thing that the owner can do, one line. */
  advice: z.string()
})
