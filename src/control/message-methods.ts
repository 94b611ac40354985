import * as z from 'zod'

/** What can be asked about messages: those that wait and did not arrive, and those that came in. */

/** Entries of one list of the outbox: as many as one instance may have waiting. */
export const OUTBOX_LIST_MAX = 1_000

export const messageId = z.string().regex(/^[0-9a-f]{32}$/)

/** At the other end of a message. */
export const namedSchema = z.object({ instanceId: z.string(), peerId: z.string(), name: z.string() })

const outboxStateSchema = z.enum(['queued', 'received', 'delivered', 'answered', 'rejected', 'expired', 'cancelled'])

/** A message of ours, without its text. */
const outboxEntrySchema = z.object({
  id: z.string(),
  to: namedSchema,
  state: outboxStateSchema,
  reason: z.string().nullable(),
  createdAt: z.string(),
  expiresAt: z.string(),
  /** Rejected or expired, and not dismissed. */
  deadLetter: z.boolean()
})

export const outboxSchema = z.object({
  /** Oldest first. */
  waiting: z.array(outboxEntrySchema),
  /** Newest first. */
  deadLetters: z.array(outboxEntrySchema),
  /** How many there are, listed or not. */
  counts: z.object({ waiting: z.number().int(), deadLetters: z.number().int() })
})

export const messageSchema = outboxEntrySchema.extend({
  reply: z.string().nullable(),
  /** What was sent; null where the row is damaged. */
  text: z.string().nullable(),
  conversation: z.string(),
  inReplyTo: z.string().nullable(),
  /** While it waits: how often its peer was tried in vain since the last link. Null where that is not known. */
  attempts: z.number().int().nullable(),
  /** While it waits: the next try to reach its peer, where one is planned. */
  nextTryAt: z.string().nullable(),
  /** While it waits: when it was handed to the link that is up. */
  sentAt: z.string().nullable()
})

export const inboundSchema = z.object({
  id: z.string(),
  from: namedSchema,
  at: z.string(),
  state: z.enum(['received', 'dispatching', 'adopted', 'replied', 'done', 'unknown', 'rejected']),
  inReplyTo: z.string().nullable(),
  /** In the words of the sender. */
  text: z.string()
})

export const inboundDetailsSchema = inboundSchema.extend({
  kind: z.enum(['message', 'host']),
  conversation: z.string(),
  /** ISO 8601, by the sender's clock. */
  sentAt: z.string(),
  /** Why it ended as it did, null where there is nothing to say. */
  reason: z.string().nullable(),
  /** How often its dispatch was begun. */
  attempts: z.number().int()
})
