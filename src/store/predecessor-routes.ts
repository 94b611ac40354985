import * as z from 'zod'
import type { RouteEntry } from '../mesh/ports.ts'
import { isAddress } from '../protocol/address.ts'
import { fingerprintOfPeer } from '../protocol/fingerprint.ts'
import { peerLabel } from '../protocol/label.ts'
import { FILE_ADDRESSES_MAX, TIME_MAX_MS } from './route-schema.ts'

/** As many as strangers that are remembered: the predecessor's file grew without a limit. */
const HINTS_MAX = 256

/** `instance-peer.json` of libp2p-mesh up to 2026.6. Ours never had an `updatedAt`, and has nothing else in common with it. */
const tableSchema = z.object({
  version: z.literal(1),
  updatedAt: z.number().min(0).max(TIME_MAX_MS),
  instances: z.record(z.string(), z.unknown())
})

/** What is of use in an entry. Its instance id proved nothing, and its `pubkey` is not the peer's. */
const entrySchema = z.object({
  peerId: z.string(),
  instanceName: z.string().catch(''),
  multiaddrs: z.array(z.unknown()).catch([]),
  lastSeenAt: z.number().min(0).max(TIME_MAX_MS).catch(0)
})

export interface PredecessorRoutes {
  /** By last contact, newest first; one per instance. */
  routes: RouteEntry[]
  /** Entries that name no peer of an Ed25519 key, and those beyond the cap. */
  dropped: number
}

/**
 * Reads the predecessor's table as hints: where a peer was last said to be. Whoever connected to the predecessor could write any of it, so nobody is
 * admitted for standing there. Undefined for what is no such table.
 */
export function readPredecessorRoutes(value: unknown): PredecessorRoutes | undefined {
  const table = tableSchema.safeParse(value)
  if (!table.success) return undefined
  const entries = Object.values(table.data.instances)
  const routes = new Map<string, RouteEntry>()
  for (const entry of entries) {
    const route = routeOf(entry, table.data.updatedAt)
    const known = route && routes.get(route.instance)
    // Two names of one peer: the newer one counts.
    if (route !== undefined && (known === undefined || known.lastSeenMs < route.lastSeenMs))
      routes.set(route.instance, route)
  }
  const newest = [...routes.values()].toSorted((a, b) => b.lastSeenMs - a.lastSeenMs).slice(0, HINTS_MAX)
  return { routes: newest, dropped: entries.length - newest.length }
}

function routeOf(value: unknown, updatedMs: number): RouteEntry | undefined {
  const entry = entrySchema.safeParse(value)
  if (!entry.success) return undefined
  const { peerId, instanceName, multiaddrs, lastSeenAt } = entry.data
  const instance = fingerprintOfPeer(peerId)
  if (instance === undefined) return undefined
  const addresses = multiaddrs
    .filter(address => typeof address === 'string')
    .filter(address => leadsTo(address, peerId))
  return {
    instance,
    peer: peerId,
    label: peerLabel(instanceName),
    addresses: [...new Set(addresses)].slice(0, FILE_ADDRESSES_MAX),
    seq: 0,
    // Nobody was seen after the table was written, whatever a peer said.
    lastSeenMs: Math.trunc(Math.min(lastSeenAt, updatedMs))
  }
}

/** The text of a multiaddr that ends at this peer, or names none. */
function leadsTo(address: string, peer: string): boolean {
  if (!isAddress(address)) return false
  const parts = address.split('/')
  const at = parts.lastIndexOf('p2p')
  return at < 0 || parts.at(-1) === 'p2p-circuit' || parts[at + 1] === peer
}
