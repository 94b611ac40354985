import { ProtocolError, textOf } from '../protocol/index.ts'
import { openRow } from './inbox-row.ts'
import { isoOf } from './iso.ts'
import type { InboxRow, Store } from './ports.ts'
import type { InboundReport } from './requests.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import type { Trust } from './trust.ts'

/** What came in and is kept, newest first. Rows whose signature is not checked yet, skips, and what a peer said before it was forgotten are left out. */
export function messageList(
  limit: number,
  components: { store: Store; trust: Trust; routes: RouteTable }
): InboundReport[] {
  const { store, trust } = components
  const forgotten = new Map<string, number>()
  const forgottenMs = (instance: string): number => {
    const ms = forgotten.get(instance) ?? trust.forgottenMs(instance)
    forgotten.set(instance, ms)
    return ms
  }
  return store.inbox.newest(limit).flatMap(row => {
    const text = row.verified && row.kind !== 'skip' ? textIn(row) : undefined
    if (text === undefined || store.trust.get(row.instance)?.tombstone === true) return []
    if (row.receivedMs < forgottenMs(row.instance)) return []
    const { instanceId, name } = senderOf(row.instance, row.peer, components)
    const from = { instanceId, peerId: row.peer, name }
    return [{ id: row.id, from, at: isoOf(row.receivedMs), state: row.state, inReplyTo: row.inReplyTo ?? null, text }]
  })
}

/** As it was sent: whoever prints it makes it safe. Undefined where the row is damaged, which its dispatch reports. */
function textIn(row: InboxRow): string | undefined {
  try {
    return textOf(openRow(row).content)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
