/** What settings allow, for the schema and for the repair of old settings, which runs without it. */

/** Enough for every listener, relay or friend of one instance; a longer list is a mistake. */
export const LIST_MAX = 64

/** Most relays that can be looked for: each costs a reservation that is kept alive. */
export const RELAYS_MAX = 8

/** Shorter than any answer over a network; longer than any agent should wait, because a channel of the other side may be slow. */
export const ACK_TIMEOUT_MIN_MS = 100
export const ACK_TIMEOUT_MAX_MS = 600_000

/** Channel ids and targets are short names of the host and of chat services. */
export const CHANNEL_MAX_CHARS = 64
export const TARGET_MAX_CHARS = 256

/** An id of a peer or an instance, or `*`. */
export const ALLOWED_MAX_CHARS = 256
export const ALLOWED_MAX = 1000

/** Tools that a trusted peer's turn may have; their names are short words of the host. */
export const TOOLS_MAX = 64
export const TOOL_NAME_MAX_CHARS = 64

/** Of the form only, for the schema that the host checks. */
export const MULTIADDR = /^(\/[a-z0-9-]+(\/[^/\s]+)?)+$/
export const ENDS_IN_PEER_ID = /\/p2p\/[1-9A-HJ-NP-Za-km-z]+$/
export const TOPIC = /^[A-Za-z0-9][\w.:/-]*$/

/** A word: no pattern, and none of the host's groups, which have a colon. The ids of plugins pass here and are left out by who knows them. */
export const TOOL_NAME = /^[A-Za-z][\w-]*$/

export const EXPECTED_MULTIADDR = 'expected a multiaddr such as /ip4/192.168.1.42/tcp/4001'
export const EXPECTED_PEER_MULTIADDR = 'expected a multiaddr that ends in /p2p/<peer id>'
export const EXPECTED_ALLOWED = 'expected a peer id, an instance id, accessGroup:<name> or "*"'
export const EXPECTED_TOPIC = 'expected letters, digits and - _ . : /, a letter or digit first'
export const EXPECTED_TOOL_NAME = 'expected the name of one tool, such as web_search'

export const DISCOVERIES = ['mdns', 'bootstrap', 'dht'] as const
export const DM_POLICIES = ['pairing', 'allowlist', 'open', 'disabled'] as const
export const ON_UNKNOWN = ['repeat', 'skip'] as const
