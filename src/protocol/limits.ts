/** Sizes and times that both sides of the wire rely on. Each is checked before anything is kept. */

/** Largest frame on a link: an unfinished frame pins memory at the receiver (64 KiB x 8 streams x 100 peers = 50 MiB). */
export const FRAME_MAX_BYTES = 64 * 1024

/** Largest text of one envelope; the rest of a frame is room for the envelope's fields and its Merkle path. */
export const TEXT_MAX_BYTES = 32 * 1024

/** Largest broadcast text: every member forwards it to several others. */
export const BROADCAST_TEXT_MAX_BYTES = 8 * 1024

/** Largest frame on the pair protocol, the only one that strangers reach. */
export const PAIR_FRAME_MAX_BYTES = 4 * 1024

/** Why somebody wants to be let in: a sentence or two that an owner reads before deciding. */
export const PURPOSE_MAX_CHARS = 200

/** A ticket's secret: 128 random bits, out of reach of guessing. Eight bytes of its hash name the ticket. */
export const TICKET_SECRET_BYTES = 16
export const TICKET_ID_BYTES = 8

/** Instances that one ticket may let in. */
export const TICKET_USES_MAX = 32

/** Longest text that is read as a ticket: eight addresses at their longest, with key and secret, stay under it. */
export const TICKET_TEXT_MAX_CHARS = 8_192

/** Longest life of a ticket, ms: an invitation is for now, not for good. */
export const TICKET_TTL_MAX_MS = 7 * 24 * 60 * 60 * 1000

/** Message, conversation and trace ids are 128 random bits. */
export const ID_BYTES = 16

/** An install epoch tells a restored copy of a state directory from its original. */
export const EPOCH_BYTES = 8

/** Ed25519 public keys and signatures (RFC 8032). */
export const PUBLIC_KEY_BYTES = 32
export const SIGNATURE_BYTES = 64
export const HASH_BYTES = 32

/** 120 bits of the SHA-256 of a public key: 24 base32 characters, out of reach of a second preimage. */
export const FINGERPRINT_BYTES = 15

/** A label is decoration: short enough to stand beside its fingerprint on one line. */
export const LABEL_MAX_CHARS = 32

/** Deepest Merkle path: a group commit signs 4,096 envelopes at most. */
export const MERKLE_PATH_MAX = 12

/** Receipts of one frame: 512 x 64 bytes stays under the frame cap. */
export const RECEIPTS_MAX = 512

/** Addresses of one route record. */
export const ROUTE_ADDRESSES_MAX = 8

/** Longest life of a route record, ms. */
export const ROUTE_TTL_MS = 24 * 60 * 60 * 1000

/** A chain of automatic turns ends here: deeper envelopes are shown and start none. */
export const TRACE_DEPTH_MAX = 4

/** Hops carried by a trace: the depth limit plus room for peers that count differently. */
export const TRACE_HOPS_MAX = 16

/** Default and longest life of a message, ms. */
export const EXPIRY_DEFAULT_MS = 7 * 24 * 60 * 60 * 1000
export const EXPIRY_MAX_MS = 31 * 24 * 60 * 60 * 1000

/** Clocks of honest peers may differ by this much before expiry is judged, ms. */
export const CLOCK_TOLERANCE_MS = 10 * 60 * 1000

/** Longest topic name. */
export const TOPIC_MAX_CHARS = 64
