import { type Content, ProtocolError, textOf } from '../protocol/index.ts'
import { MeshError } from './errors.ts'
import { openRow } from './inbox-row.ts'
import { isoOf } from './iso.ts'
import type { InboxRow, Store } from './ports.ts'
import type { InboundDetails, InboundReport } from './requests.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import type { Trust } from './trust.ts'

/** Rows of one beginning that are looked at: two that may be shown are one too many. */
const NAMED_MAX = 8

interface Components {
  store: Store
  trust: Trust
  routes: RouteTable
}

/** What came in and is kept, newest first. Rows whose signature is not checked yet, skips, and what a peer said before it was forgotten are left out. */
export function messageList(limit: number, components: Components): InboundReport[] {
  const rows = components.store.inbox.newest(limit)
  return rows.flatMap(row => {
    const content = contentOf(row, components)
    return content === undefined ? [] : [reportOf(row, content, components)]
  })
}

/**
 * The one whose id begins so, with everything that is known of it. What the list leaves out is not there.
 *
 * @throws {MeshError} `not_found`, and `bad_request` where several begin so
 */
export function messageDetails(id: string, components: Components): InboundDetails {
  const rows = components.store.inbox.named(id, NAMED_MAX)
  const [found, other] = rows.flatMap(row => {
    const content = contentOf(row, components)
    return content === undefined ? [] : [{ row, content }]
  })
  if (found === undefined || found.row.kind === 'skip') throw new MeshError('not_found', { detail: id })
  if (other !== undefined)
    throw new MeshError('bad_request', { detail: `more than one message begins with ${id}; give more of its id` })
  const { row, content } = found
  const { kind, conversation, reason = 'none', attempt } = found.row
  return {
    ...reportOf(row, content, components),
    kind,
    conversation,
    sentAt: isoOf(content.timeMs),
    reason: reason === 'none' ? null : reason,
    attempts: attempt
  }
}

function reportOf(row: InboxRow, content: Content, components: Components): InboundReport {
  const { instanceId, name } = senderOf(row.instance, row.peer, components)
  return {
    id: row.id,
    from: { instanceId, peerId: row.peer, name },
    at: isoOf(row.receivedMs),
    state: row.state,
    inReplyTo: row.inReplyTo ?? null,
    // As it was sent: whoever prints it makes it safe.
    text: textOf(content)
  }
}

/** Undefined where it is not to be listed, or the row is damaged, which its dispatch reports. */
function contentOf(row: InboxRow, { store, trust }: Components): Content | undefined {
  if (!row.verified || row.kind === 'skip' || store.trust.get(row.instance)?.tombstone === true) return undefined
  if (row.receivedMs < trust.forgottenMs(row.instance)) return undefined
  try {
    return openRow(row).content
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
