import { writeSync } from 'node:fs'
import type { Clock, Log } from '../../src/mesh/ports.ts'
import { newId } from '../../src/protocol/index.ts'
import { openStore } from '../../src/store/index.ts'
import { ALICE, BOB, CONVERSATION, EPOCH, inboxRow, outboxRow } from '../contract/store-rows.ts'

/**
 * A process that commits groups of rows for ever, and prints the ids of each group before and after its commit: what the scenario `store-kill` kills. Ids are
 * random, so that a row written again in the place of a lost one is another. The first argument is the state directory.
 */
const complain = (message: string): void => void process.stderr.write(`${message}\n`)
const log: Log = { debug() {}, info() {}, warn: complain, error: complain }
const clock: Clock = { wallMs: () => 1, monotonicMs: () => 1, sleep: () => Promise.resolve() }
const store = openStore({ dir: process.argv[2] ?? '', log, clock })

for (;;) {
  const first = store.outbox.lastSeq(ALICE, CONVERSATION) + 1
  const rows = Array.from({ length: 1 + (first % 3) }, (_, index) => ({ seq: first + index, id: newId() }))
  writeSync(1, rows.map(({ id }) => `asked ${id}\n`).join(''))
  store.transaction(() => {
    store.outbox.insert(rows.map(({ seq, id }) => outboxRow(seq, { id })))
    store.inbox.insert(rows.map(({ seq, id }) => inboxRow(seq, { id, instance: BOB })))
    for (const { id } of rows) store.inbox.update(BOB, id, { state: 'done' })
  })
  if (store.inbox.nextSeq(BOB, EPOCH, CONVERSATION) !== first + rows.length) throw new Error('the window stood still')
  writeSync(1, rows.map(({ id }) => `accepted ${id}\n`).join(''))
}
