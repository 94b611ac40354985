import { MeshError } from './errors.ts'
import { isoOf } from './iso.ts'
import type { Store } from './ports.ts'
import type { Replies } from './replies.ts'
import type { MessageReport } from './requests.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import type { Trust } from './trust.ts'

/** What became of a message of ours. @throws {MeshError} `not_found` */
export function messageReport(
  id: string,
  components: { store: Store; trust: Trust; routes: RouteTable; replies: Replies }
): MessageReport {
  const { store, replies } = components
  const row = store.outbox.get(id)
  if (row === undefined) throw new MeshError('not_found', { id })
  const { instanceId, name } = senderOf(row.instance, row.peer, components)
  return {
    id,
    to: { instanceId, peerId: row.peer, name },
    state: row.state,
    reason: row.reason ?? null,
    reply: replies.textOf(row) ?? null,
    createdAt: isoOf(row.createdMs)
  }
}
