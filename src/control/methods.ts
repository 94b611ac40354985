import * as z from 'zod'

/**
 * Everything that can be asked of a running mesh, once: the commands, the agent tools, the gateway's RPC methods and the control socket all
 * use these names, parameters and results.
 */

const text = z.string().min(1)
const who = z.string().min(1).max(256)

const pathSchema = z.enum(['lan', 'direct', 'relayed'])
const trustSchema = z.enum(['blocked', 'unknown', 'paired', 'trusted'])
const levelSchema = z.enum(['received', 'delivered', 'answered'])

export const peerSchema = z.object({
  instanceId: z.string(),
  peerId: z.string().nullable(),
  name: z.string(),
  trust: trustSchema,
  /** Null while not connected. */
  path: pathSchema.nullable(),
  rttMs: z.number().nullable(),
  /** ISO 8601, null when never seen. */
  lastSeenAt: z.string().nullable(),
  /** Messages waiting for this peer. */
  queued: z.number().int()
})

export const statusSchema = z.object({
  peerId: z.string(),
  instanceId: z.string(),
  addresses: z.array(z.string()),
  reachability: z.enum(['public', 'private', 'unknown']),
  /** Admitted peers with an open link. */
  peers: z.number().int(),
  version: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  outbox: z.object({ waiting: z.number().int() }),
  inbox: z.object({ open: z.number().int(), unknown: z.number().int() }),
  /** Settings that are accepted today and do their work in a later release. */
  pendingSettings: z.array(z.string()),
  /** What does not work right now, a sentence each. */
  issues: z.array(z.string())
})

export const sendParamsSchema = z.object({
  target: who,
  text,
  waitFor: levelSchema.optional(),
  /** How long to wait for the level, ms; then the answer is pending. */
  timeoutMs: z.number().int().min(0).max(3_600_000).optional(),
  conversation: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  /** `host`: the host spoke by itself; such a message starts no turn. */
  kind: z.enum(['message', 'host']).optional(),
  idempotencyKey: z.string().min(1).max(512).optional(),
  /**
   * The key holds only until this call has ended for its caller: the same text may then be sent again on purpose, while a call that a crash cut
   * off finds its message when it is made again.
   */
  keyUntilTold: z.boolean().optional(),
  /** Host session that asked: where a late answer goes. */
  session: z.string().min(1).max(512).optional(),
  /** Id of an inbound message that is being acted upon: the trace goes on from it. */
  cause: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional()
})

export const sendResultSchema = z.object({
  id: z.string(),
  /** `pending`: accepted and stored, goes on by itself. */
  level: z.enum(['pending', 'received', 'delivered', 'answered']),
  path: pathSchema.nullable(),
  /** From the call to the level, or to the end of the wait. */
  ms: z.number(),
  reply: z.string().nullable(),
  to: z.object({ instanceId: z.string(), peerId: z.string(), name: z.string() }),
  /** Why nothing more is to come, e.g. `no_reply`. */
  reason: z.string().nullable(),
  /** True when the same call had been made before and this is its message. */
  repeated: z.boolean()
})

const broadcastResultSchema = z.object({
  id: z.string(),
  topic: z.string(),
  /** Direct members of the topic that were handed the text; best effort, no receipts. */
  recipients: z.number().int(),
  ms: z.number()
})

const trustResultSchema = z.object({
  instanceId: z.string(),
  peerId: z.string().nullable(),
  trust: trustSchema,
  /** What it was before. */
  before: trustSchema,
  connected: z.boolean()
})

export const messageSchema = z.object({
  id: z.string(),
  to: z.object({ instanceId: z.string(), peerId: z.string(), name: z.string() }),
  state: z.enum(['queued', 'received', 'delivered', 'answered', 'rejected', 'expired', 'cancelled']),
  reason: z.string().nullable(),
  reply: z.string().nullable(),
  createdAt: z.string()
})

const none = z.object({})

export const methods = {
  status: { params: none, result: statusSchema, changes: false },
  peers: { params: none, result: z.array(peerSchema), changes: false },
  send: { params: sendParamsSchema, result: sendResultSchema, changes: true },
  broadcast: {
    params: z.object({ text, topic: z.string().min(1).max(64).optional() }),
    result: broadcastResultSchema,
    changes: true
  },
  approve: {
    params: z.object({ who, name: z.string().min(1).max(32).optional() }),
    result: trustResultSchema,
    changes: true
  },
  trust: {
    params: z.object({ who, level: z.enum(['blocked', 'paired', 'trusted']) }),
    result: trustResultSchema,
    changes: true
  },
  message: { params: z.object({ id: z.string().regex(/^[0-9a-f]{32}$/) }), result: messageSchema, changes: false },
  /** Whom a target names, without sending: peer known here, or a MeshError. */
  resolve: { params: z.object({ target: who }), result: peerSchema, changes: false }
} as const

export type Methods = typeof methods
export type Method = keyof Methods
export type Params<M extends Method> = z.input<Methods[M]['params']>
export type Result<M extends Method> = z.output<Methods[M]['result']>

export type Peer = z.output<typeof peerSchema>
export type Status = z.output<typeof statusSchema>
export type SendResult = z.output<typeof sendResultSchema>

/** What serves the methods: the mesh in the engine, or a client that asks it from afar. */
export type Handlers = {
  [M in Method]: (params: z.output<Methods[M]['params']>, options?: { signal?: AbortSignal }) => Promise<Result<M>>
}
