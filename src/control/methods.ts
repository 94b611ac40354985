import * as z from 'zod'
import {
  EXPIRY_MAX_MS,
  PURPOSE_MAX_CHARS,
  TICKET_TEXT_MAX_CHARS,
  TICKET_TTL_MAX_MS,
  TICKET_USES_MAX
} from '../protocol/limits.ts'
import {
  inboundDetailsSchema,
  inboundSchema,
  messageId,
  messageSchema,
  namedSchema,
  OUTBOX_LIST_MAX,
  outboxSchema
} from './message-methods.ts'
import { netcheckSchema, networkStatus, pathSchema, pingSchema } from './network-methods.ts'

/**
 * Everything that can be asked of a running mesh, once: the commands, the agent tools, the gateway's RPC methods and the control socket all
 * use these names, parameters and results.
 */

/** The shortest life of a message: expiry is looked at once a minute. */
export const EXPIRY_MIN_MS = 60_000

const text = z.string().min(1)
const who = z.string().min(1).max(256)

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
  ...networkStatus,
  /** Admitted peers with an open link. */
  peers: z.number().int(),
  version: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  outbox: z.object({ waiting: z.number().int() }),
  inbox: z.object({ open: z.number().int(), unknown: z.number().int() }),
  /** What the owner has not read yet. */
  notices: z.object({ unread: z.number().int() }),
  /** Settings that are accepted today and do their work in a later release. */
  pendingSettings: z.array(z.string()),
  /** How full everything is that grows with what peers send: for whoever looks after the mesh, not for its users. */
  gauges: z.array(z.object({ name: z.string(), size: z.number().int(), max: z.number().int() })),
  /** What does not work right now, a sentence each. */
  issues: z.array(z.string())
})

const amountSchema = z.object({ used: z.number().int(), left: z.number().int() })

const expensesSchema = z.object({
  /** Of the last hour. */
  turns: amountSchema,
  /** Of the last 24 hours, in and out. */
  characters: amountSchema,
  /** ISO 8601; null while nothing waits for budget. */
  waitsUntil: z.string().nullable()
})

export const budgetSchema = z.object({
  total: expensesSchema,
  /** Those who are admitted. */
  peers: z.array(expensesSchema.extend({ instanceId: z.string(), name: z.string() }))
})

export const sendParamsSchema = z.object({
  target: who,
  text,
  waitFor: levelSchema.optional(),
  /** How long to wait for the level, ms; then the answer is pending. */
  timeoutMs: z.number().int().min(0).max(3_600_000).optional(),
  /** How long the message may wait to be delivered before it expires, 7 days where it is not said. */
  expiresInMs: z.number().int().min(EXPIRY_MIN_MS).max(EXPIRY_MAX_MS).optional(),
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
  /** Sender's fingerprint and id of an inbound message that is being acted upon, `<fingerprint>/<id>`: the trace goes on from it. */
  cause: z
    .string()
    .regex(/^[a-z2-7-]{29}\/[0-9a-f]{32}$/)
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
  to: namedSchema,
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

const ticketSchema = z.object({
  id: z.string(),
  state: z.enum(['open', 'spent', 'expired']),
  expiresAt: z.string(),
  /** How many it may let in, and how many it did. */
  uses: z.number().int(),
  used: z.number().int(),
  name: z.string().nullable()
})

const contactSchema = z.object({
  direction: z.enum(['incoming', 'outgoing']),
  instanceId: z.string(),
  peerId: z.string(),
  name: z.string(),
  /** In the words of who asks. */
  purpose: z.string(),
  askedAt: z.string()
})

const contactResultSchema = z.object({
  instanceId: z.string(),
  peerId: z.string(),
  /** `admitted`: both may write. `pending`: its owner decides, or has yet to hear of it. `rejected`: by the owner here. */
  state: z.enum(['admitted', 'pending', 'rejected']),
  trust: trustSchema
})

const noticeSchema = z.object({
  id: z.number().int(),
  at: z.string(),
  /** One sentence, safe to show. */
  text: z.string(),
  /** Whether a channel took it. */
  shown: z.boolean()
})

const none = z.object({})

export const methods = {
  status: { params: none, result: statusSchema, changes: false },
  peers: { params: none, result: z.array(peerSchema), changes: false },
  /** What peers have cost in turns and characters, and may still cost. Nothing can be changed here. */
  budget: { params: none, result: budgetSchema, changes: false },
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
  rename: { params: z.object({ who, name: z.string().min(1).max(32) }), result: trustResultSchema, changes: true },
  forget: {
    params: z.object({ who }),
    result: z.object({ instanceId: z.string(), cancelled: z.number().int() }),
    changes: true
  },
  invite: {
    params: z.object({
      ttlMs: z.number().int().min(1_000).max(TICKET_TTL_MAX_MS),
      uses: z.number().int().min(1).max(TICKET_USES_MAX),
      /** What the first one that comes with it is called here. */
      name: z.string().min(1).max(32).optional()
    }),
    result: z.object({ ticket: z.string(), expiresAt: z.string(), instanceId: z.string() }),
    changes: true
  },
  /** The invitations that are remembered, newest first. */
  tickets: { params: none, result: z.array(ticketSchema), changes: false },
  /** By its id, or by the beginning of it; returns what it was. */
  withdraw: { params: z.object({ id: z.string().regex(/^[0-9a-f]{4,16}$/) }), result: ticketSchema, changes: true },
  join: {
    params: z.object({ ticket: z.string().min(1).max(TICKET_TEXT_MAX_CHARS) }),
    result: trustResultSchema,
    changes: true
  },
  /** Met or seen, and not decided on. */
  nearby: { params: none, result: z.array(peerSchema), changes: false },
  request: {
    params: z.object({ who, purpose: z.string().max(PURPOSE_MAX_CHARS).optional() }),
    result: contactResultSchema,
    changes: true
  },
  requests: { params: none, result: z.array(contactSchema), changes: false },
  reject: { params: z.object({ who }), result: contactResultSchema, changes: true },
  /** Unread ones, oldest first; before that `readUpTo` marks those up to this id as read, `dismiss` this one alone. */
  notices: {
    params: z.object({ readUpTo: z.number().int().optional(), dismiss: z.number().int().optional() }),
    result: z.array(noticeSchema),
    changes: true
  },
  /** With a session: only what that session sent, where the empty one stands for none. */
  message: {
    params: z.object({ id: messageId, session: z.string().max(512).optional() }),
    result: messageSchema,
    changes: false
  },
  /** What waits, and the dead letters: at most `limit` of each. */
  outbox: {
    params: z.object({ limit: z.number().int().min(1).max(OUTBOX_LIST_MAX) }),
    result: outboxSchema,
    changes: false
  },
  /** What waits is tried at once; a dead letter becomes a new message, `retriedAs`, and is dismissed. */
  retryMessage: {
    params: z.object({ id: messageId }),
    result: z.object({
      id: z.string(),
      retriedAs: z.string().nullable(),
      to: namedSchema,
      connected: z.boolean()
    }),
    changes: true
  },
  cancelMessage: {
    params: z.object({ id: messageId }),
    /** `sent`: it was on its way, so the peer may have it all the same. */
    result: z.object({ id: z.string(), sent: z.boolean() }),
    changes: true
  },
  dismissMessage: {
    params: z.object({ id: messageId }),
    result: z.object({ id: z.string(), deadLetters: z.number().int() }),
    changes: true
  },
  /** What came in and is kept, newest first. */
  messages: {
    params: z.object({ limit: z.number().int().min(1).max(200) }),
    result: z.array(inboundSchema),
    changes: false
  },
  /** One that came in, by its id or by at least the first 8 digits of it. */
  inbound: {
    params: z.object({ id: z.string().regex(/^[0-9a-f]{8,32}$/) }),
    result: inboundDetailsSchema,
    changes: false
  },
  /** One round trip to a peer, which is connected to first where need be. */
  ping: { params: z.object({ who }), result: pingSchema, changes: false },
  /** What this machine and its networks allow. It names their addresses, so it is for the owner: no tool of an agent asks it. */
  netcheck: { params: none, result: netcheckSchema, changes: false },
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
