/** The link: one long-lived stream per pair. Its version is the major version of everything that runs on it. */
export const LINK_PROTOCOL = '/libp2p-mesh/1.0.0'

/** One question and one answer per stream; the only protocol of ours that strangers reach. */
export const PAIR_PROTOCOL = '/libp2p-mesh/pair/1.0.0'

/** Said by identify. Names the protocol's major version and nothing about the machine, its system or its Node (S-29). */
export const AGENT_VERSION = 'libp2p-mesh/1'

/** Answers to mDNS queries of our own service only: other libp2p programs on the network are not ours to dial. */
export const MDNS_SERVICE_TAG = '_libp2p-mesh._udp.local'

/** Of libp2p: https://github.com/libp2p/specs/blob/master/ping/ping.md */
export const PING_PROTOCOL = '/ipfs/ping/1.0.0'
