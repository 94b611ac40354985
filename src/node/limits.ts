/** Enough for a mesh of people and teams; each costs about 1 MiB (S-11). */
export const CONNECTIONS_MAX = 100

/** Connections of one peer: one each way while both dial at once, and as many again while the path changes from a relay to a straight one. */
export const PEER_CONNECTIONS_MAX = 4

/** Connections that strangers made to us, so that most are left for those who are admitted. */
export const STRANGERS_MAX = 48

/** Of them those from one address: a household. Past it the oldest goes. */
export const STRANGERS_PER_HOST_MAX = 8
