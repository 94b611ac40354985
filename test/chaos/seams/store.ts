import type { InboxState, Store } from '../../../src/mesh/ports.ts'
import { openStore as open, type StoreComponents } from '../../../src/store/index.ts'
import { over } from './over.ts'
import { type CrashPoint, passing, told } from './told.ts'

export * from '../../../src/store/index.ts'

type Act = 'inbox' | 'dispatch' | 'final' | 'outbox' | 'settle'

/** The moments around the commit of a transaction, by what it did. */
const ACTS: Record<Act, { before?: CrashPoint; after: CrashPoint }> = {
  inbox: { before: 'before-inbox-commit', after: 'after-inbox-commit' },
  dispatch: { after: 'dispatch-start' },
  final: { before: 'before-final-update', after: 'after-final-update' },
  outbox: { after: 'after-outbox-commit' },
  settle: { before: 'before-receipt-settle', after: 'after-receipt-settle' }
}

const ENDS: ReadonlySet<InboxState | undefined> = new Set(['replied', 'done', 'unknown', 'rejected'] as const)

/** What the engine imports in the place of the store where moments around a commit matter. */
export function openStore(components: StoreComponents): Store {
  const store = open(components)
  return told.crash === undefined ? store : watched(store)
}

/** Every write of the two boxes becomes part of a transaction of ours, so that there is a moment before its commit and one after it. */
function watched(store: Store): Store {
  const acts = new Set<Act>()
  let depth = 0
  const transaction = <T>(work: () => T): T => {
    if (depth > 0) return store.transaction(work)
    acts.clear()
    const result = store.transaction(() => {
      depth++
      try {
        const inner = work()
        for (const act of acts) {
          const { before } = ACTS[act]
          if (before !== undefined) passing(before)
        }
        return inner
      } finally {
        depth--
      }
    })
    for (const act of acts) passing(ACTS[act].after)
    return result
  }
  const inbox = over(store.inbox, {
    insert: rows =>
      transaction(() => {
        acts.add('inbox')
        return store.inbox.insert(rows)
      }),
    update: (instance, id, change) =>
      transaction(() => {
        if (change.state === 'dispatching') acts.add('dispatch')
        if (ENDS.has(change.state)) acts.add('final')
        return store.inbox.update(instance, id, change)
      })
  })
  const outbox = over(store.outbox, {
    insert: rows =>
      transaction(() => {
        acts.add('outbox')
        store.outbox.insert(rows)
      }),
    advance: (id, state, details) =>
      transaction(() => {
        acts.add('settle')
        return store.outbox.advance(id, state, details)
      })
  })
  return over(store, { transaction, inbox, outbox })
}
