import { appendFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Outbox } from '../../src/mesh/outbox.ts'
import type { Clock, Log } from '../../src/mesh/ports.ts'
import { type Content, type Envelope, hashOf, newId } from '../../src/protocol/index.ts'
import { openStore } from '../../src/store/index.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { roomyInbox } from '../fakes/roomy-inbox.ts'

/**
 * A process that promises and writes each promise down as it is made: `accepted ID` when the id is returned, `received ID` when the receipt leaves. What
 * `power.test.ts` watches from outside. `node --experimental-transform-types promiser.ts STATE_DIR PROMISES COUNT [early|lazy]`: the last makes it break its word.
 */
const [dir = '', promises = '', count = '0', plant = ''] = process.argv.slice(2)

/** One turn of the event loop, and so one commit, holds up to so many. */
const BATCH_MAX = 40

const log: Log = { debug() {}, info() {}, warn: fail, error: fail }
const clock: Clock = { wallMs: Date.now, monotonicMs: () => performance.now(), sleep: () => Promise.resolve() }

const databases: DatabaseSync[] = []
const { exec } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function (sql) {
  if (!databases.includes(this)) databases.push(this)
  exec.call(this, sql)
}

const store = openStore({ dir, log, clock })
if (plant === 'lazy') for (const database of databases) if (database.isOpen) database.exec('PRAGMA synchronous = OFF')

const self = new FakeInstance('self')
const friend = new FakeInstance('friend')
const outbox = new Outbox({ store, signer: self.signer, clock }, { self: self.instance, committed: () => undefined })
const inbox = roomyInbox({
  store,
  signer: self.signer,
  clock,
  log,
  send: (_, receipts) => {
    for (const { id, outcome } of receipts) if (plant !== 'early') promise(outcome, id)
  }
})

for (let left = Number(count), size = 1; left > 0; left -= size, size = Math.min(left, (size * 7) % BATCH_MAX)) {
  await Promise.all(Array.from({ length: size }, () => send()))
  const contents = Array.from({ length: size }, () => friend.content(self.instance, 'hello', Date.now()))
  for (const [index, envelope] of (await friend.seal(contents)).entries()) take(contents[index], envelope)
  await inbox.idle()
}
await outbox.stop()
await inbox.stop()
await store.close()

async function send(): Promise<void> {
  const id = newId()
  const { instance, peer } = friend
  const trace = { root: id, depth: 0, hops: [] }
  if (plant === 'early') promise('accepted', id)
  await outbox.enqueue({ id, instance, peer, kind: 'message', conversation: 'c0'.repeat(16), trace, text: 'hello' })
  if (plant !== 'early') promise('accepted', id)
}

function take(content: Content | undefined, envelope: Envelope): void {
  if (content === undefined) throw new Error('more envelopes than contents')
  if (plant === 'early') promise('received', content.id)
  inbox.accept(friend.peer, envelope, content, hashOf(envelope.signed))
}

function promise(what: string, id: string): void {
  appendFileSync(promises, `${what} ${id}\n`)
}

function fail(message: string): never {
  throw new Error(message)
}
