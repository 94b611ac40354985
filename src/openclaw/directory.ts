import type { Peer } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'

/** One line of `openclaw directory peers list`. */
export interface DirectoryEntry {
  kind: 'user'
  id: string
  name: string
  handle: string
}

/** Peers as the host's directory lists them; `query` matches name, instance id and peer id. */
export function directoryEntries(
  peers: Peer[],
  query: string | null | undefined,
  limit: number | null | undefined
): DirectoryEntry[] {
  const wanted = query?.trim().toLowerCase() ?? ''
  const entries = peers
    .filter(peer => peer.trust === 'paired' || peer.trust === 'trusted')
    .filter(peer => [peer.name, peer.instanceId, peer.peerId ?? ''].some(text => text.toLowerCase().includes(wanted)))
    .map(
      (peer): DirectoryEntry => ({
        kind: 'user',
        id: peer.instanceId,
        name: safe(peer.name),
        handle: peer.peerId ?? peer.instanceId
      })
    )
  return limit === null || limit === undefined ? entries : entries.slice(0, limit)
}
