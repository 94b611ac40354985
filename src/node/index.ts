export { createNode, type NodeInit } from './assemble.ts'
export { type RelayAnnounce, relayAnnounce } from './relay-announce.ts'
export { type RelayNode, startRelayNode } from './relay-node.ts'
export type { RelayEvent } from './relay-server-report.ts'
