import { writeSync } from 'node:fs'
import type { Clock, Log } from '../../src/mesh/ports.ts'
import { openStore } from '../../src/store/index.ts'
import { ALICE, BOB, CONVERSATION, EPOCH, idOf, inboxRow, outboxRow } from '../contract/store-rows.ts'

/**
 * A process that commits groups of rows for ever and prints the last seq of each group after its commit: what
 * `kill.test.ts` kills. The first argument is the state directory.
 */
const log: Log = { debug() {}, info() {}, warn() {}, error() {} }
const clock: Clock = { wallMs: () => 1, monotonicMs: () => 1, sleep: () => Promise.resolve() }
const store = openStore({ dir: process.argv[2] ?? '', log, clock })

for (;;) {
  const first = store.outbox.lastSeq(ALICE, CONVERSATION) + 1
  const seqs = Array.from({ length: 1 + (first % 3) }, (_, index) => first + index)
  store.transaction(() => {
    store.outbox.insert(seqs.map(seq => outboxRow(seq)))
    store.inbox.insert(seqs.map(seq => inboxRow(seq, { instance: BOB })))
    for (const seq of seqs) store.inbox.update(BOB, idOf(seq), { state: 'done' })
  })
  if (store.inbox.nextSeq(BOB, EPOCH, CONVERSATION) !== first + seqs.length) throw new Error('the window stood still')
  writeSync(1, `${first + seqs.length - 1}\n`)
}
