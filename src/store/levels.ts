import type { InboxState, OutboxRow, OutboxState } from '../mesh/ports.ts'

/** How far each open state has come. States without a rank are endings. */
const RANK: Partial<Record<OutboxState, number>> = { queued: 0, received: 1, delivered: 2, answered: 3 }

/** Inbox states that need no further dispatch: the window may pass them. */
export const INBOX_ENDS: ReadonlySet<InboxState> = new Set<InboxState>(['replied', 'done', 'unknown', 'rejected'])

/**
 * What `OutboxStore.advance` makes of a row, or undefined when nothing changes.
 *
 * - `queued` < `received` < `delivered` < `answered`; a level never shrinks.
 * - `rejected` ends whatever is not answered: a peer may take a text (`delivered`) and report later that no answer
 *   came.
 * - `expired` and `cancelled` end only what the peer has not delivered.
 * - Endings stay, with two exceptions: that a message expired or was taken back is a guess of this side, which may have
 *   sent it before, so a late `delivered` or `answered` replaces `expired` and `cancelled`. A late `received` does not:
 *   it says nothing about the outcome, and the row would only end, and be reported, again.
 * - The same level once more changes nothing, except that what becomes known later is noted: an answer in `replyId`,
 *   why none comes in `reason`.
 */
export function advanced(
  row: OutboxRow,
  state: OutboxState,
  details: Pick<OutboxRow, 'reason' | 'replyId'> = {}
): OutboxRow | undefined {
  if (state === row.state) {
    const replyId = row.replyId ?? details.replyId
    const reason = row.reason ?? details.reason
    if (replyId === row.replyId && reason === row.reason) return undefined
    return { ...row, ...(reason && { reason }), ...(replyId && { replyId }) }
  }
  if (!follows(row.state, state)) return undefined
  // The reason belongs to the state it came with.
  const { reason: _old, ...rest } = row
  return {
    ...rest,
    state,
    ...(details.reason && { reason: details.reason }),
    ...(details.replyId && { replyId: details.replyId })
  }
}

/** Whether a row in this state is stored at the peer. */
export function isAtPeer(state: OutboxState): boolean {
  return (RANK[state] ?? 0) > 0
}

function follows(from: OutboxState, to: OutboxState): boolean {
  const rank = RANK[from]
  const next = RANK[to]
  if (from === 'expired' || from === 'cancelled') return to === 'delivered' || to === 'answered'
  if (rank === undefined) return false
  if (next !== undefined) return next > rank
  return to === 'rejected' ? from !== 'answered' : from === 'queued' || from === 'received'
}
