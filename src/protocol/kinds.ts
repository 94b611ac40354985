/** Envelope kinds and their numbers on the wire. A number is never reused. */
export const ENVELOPE_KINDS = {
  /** Text from an agent or a person; a reply when `inReplyTo` is set. */
  message: 1,
  /** Text that the host sent by itself: shown, never starts a turn. */
  host: 2,
  /** Text to a topic. */
  broadcast: 3,
  /** A signed route record. */
  route: 4,
  /** Takes the place of a seq that was cancelled or expired. */
  skip: 5
} as const

export type EnvelopeKind = keyof typeof ENVELOPE_KINDS

/** How far a message has come, in growing order, with its number on the wire. */
export const RECEIPT_LEVELS = { received: 1, delivered: 2, answered: 3 } as const

export type ReceiptLevel = keyof typeof RECEIPT_LEVELS

/** What else a receipt can say: refused for good, or not now. */
export const RECEIPT_REFUSALS = { rejected: 4, deferred: 5 } as const

export type ReceiptOutcome = ReceiptLevel | keyof typeof RECEIPT_REFUSALS

/** Reason codes of receipts, hellos and pair answers. The wire carries the number, never text. */
export const REASONS = {
  none: 0,
  /** Kind, version or request that this side does not understand. */
  unsupported: 1,
  /** The sender is not admitted. */
  not_admitted: 2,
  blocked: 3,
  /** Malformed beyond use. */
  malformed: 4,
  /** `from` is not the peer that carried it, or does not own its key. */
  wrong_sender: 5,
  /** Addressed to somebody else. */
  wrong_audience: 6,
  bad_signature: 7,
  expired: 8,
  /** Its clock is too far from ours. */
  clock_skew: 9,
  /** Not now: the inbox, the disk or a budget is full. */
  overloaded: 10,
  /** The agent or the channel took it and gave no answer. */
  no_reply: 11,
  /** The turn or the channel failed for good. */
  failed: 12,
  /** A crash hid the outcome. */
  unknown_outcome: 13,
  /** No ticket with this proof was ever issued, or it was withdrawn. */
  ticket_unknown: 14,
  /** Used as often as it may be. */
  ticket_spent: 15,
  ticket_expired: 16,
  /** The owner takes no requests. */
  requests_off: 17,
  /** Kept for the owner, who decides. */
  pending: 18
} as const

export type RejectReason = keyof typeof REASONS
