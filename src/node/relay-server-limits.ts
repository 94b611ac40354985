const MIB = 1024 * 1024

/** What a relay does for others before it says no. */
export interface RelayLimits {
  /** Peers that may hold a reservation at once, and of them those from one address. */
  reservations: number
  reservationsPerHost: number
  /** How long one holds unless it is renewed. */
  reservationMs: number
  /** Connections between two others: all, those from one address, those of all strangers, to one holder, of one peer, and of strangers to one holder. */
  circuits: number
  circuitsPerHost: number
  circuitsOfStrangers: number
  circuitsPerHolder: number
  circuitsPerDialler: number
  strangersPerHolder: number
  /** Bytes in a day (UTC), both directions: of all, of one peer, and of strangers: each of them, and all of them with one holder. */
  dayBytes: number
  peerDayBytes: number
  strangersDayBytes: number
}

/**
 * A peer that renews does so long before this; one that was refused its renewal, because it used up its day, looks for another relay within it.
 */
const RESERVATION_MS = 3_600_000

/** 30,000 of the longest messages, of which people and agents write a few hundred in a day. */
const PEER_DAY_BYTES = 1024 * MIB

/** To redeem a ticket takes some kilobytes; what strangers may use up of a holder's day leaves most of it to those it knows. */
const STRANGERS_DAY_BYTES = 128 * MIB

/** One gateway that carries for its friends: fewer than its hundred connections, each of which costs about 1 MiB. */
export const GATEWAY_RELAY_LIMITS: RelayLimits = {
  reservations: 32,
  reservationsPerHost: 32,
  reservationMs: RESERVATION_MS,
  circuits: 128,
  circuitsPerHost: 128,
  circuitsOfStrangers: 64,
  circuitsPerHolder: 64,
  circuitsPerDialler: 16,
  strangersPerHolder: 8,
  dayBytes: 8 * PEER_DAY_BYTES,
  peerDayBytes: PEER_DAY_BYTES,
  strangersDayBytes: STRANGERS_DAY_BYTES
}

/** A machine that does nothing else: a small one has 1 GiB of memory, and 1 TB of traffic a month, which is 32 GiB in a day, in and out again. */
export const PROGRAM_RELAY_LIMITS: RelayLimits = {
  ...GATEWAY_RELAY_LIMITS,
  reservations: 256,
  reservationsPerHost: 256,
  circuits: 512,
  circuitsPerHost: 512,
  circuitsOfStrangers: 256,
  dayBytes: 16 * PEER_DAY_BYTES
}

/** Where anybody may hold one: an office or a household at one address, and not a crowd that one machine plays. */
export const OPEN_RELAY_LIMITS: RelayLimits = { ...PROGRAM_RELAY_LIMITS, reservationsPerHost: 16, circuitsPerHost: 64 }
