import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Outbox } from '../src/mesh/outbox.ts'
import type { Clock, InboxRow, Log, Store } from '../src/mesh/ports.ts'
import { newId } from '../src/protocol/index.ts'
import { openStore } from '../src/store/index.ts'
import { FakeInstance } from '../test/fakes/instance.ts'
import { FakeStore } from '../test/fakes/store.ts'

/**
 * What durability costs, measured in one run and printed as one JSON line:
 * `node --experimental-transform-types scripts/bench-store.ts [--rows N] [--messages N] [--dir DIR]`.
 *
 * - `durable`: messages a second that the outbox accepts with 64 calls under way, on the disk and in memory.
 * - `commits`: how long one arrival takes (row, signature, end: three commits), in an empty inbox and in one with N rows; a commit of 64 arrivals there,
 *   with room and where each makes room first; and a sweep of old rows.
 */
const AT_ONCE = 64
const PEERS = 16
const COMMITS = 1_000
const FILL_ROWS = 1_000
const SWEEP_ROWS = 512
const BATCHES = 200

const quiet = (): void => undefined
const log: Log = { debug: quiet, info: quiet, warn: console.error, error: console.error }
const clock: Clock = { wallMs: Date.now, monotonicMs: () => performance.now(), sleep: () => Promise.resolve() }

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '500000' },
    messages: { type: 'string', default: '8000' },
    dir: { type: 'string', default: tmpdir() }
  }
})

interface Spread {
  p50Ms: number
  p99Ms: number
  maxMs: number
}

async function accepted(store: Store, count: number): Promise<number> {
  const self = new FakeInstance('self')
  const peers = Array.from({ length: PEERS }, (_, index) => new FakeInstance(`peer ${index}`))
  const outbox = new Outbox({ store, signer: self.signer, clock }, { self: self.instance, committed: () => undefined })
  let left = count
  const startMs = performance.now()
  const caller = async (number: number): Promise<void> => {
    const { instance, peer } = peers[number % PEERS] ?? self
    const conversation = newId()
    for (; left > 0; left--) {
      const id = newId()
      const trace = { root: id, depth: 0, hops: [] }
      await outbox.enqueue({ id, instance, peer, kind: 'message', conversation, trace, text: 'x'.repeat(200) })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, (_, number) => caller(number)))
  return Math.round((count / (performance.now() - startMs)) * 1_000)
}

function arrival(seq: number, conversation: string, receivedMs: number): InboxRow {
  const instance = 'aaaa-aaaa-aaaa-aaaa-aaaa-aaaa'
  const bytes = { envelope: new Uint8Array(420), hash: new Uint8Array(32) }
  const place = { instance, peer: '12D3KooW', epoch: 'e0'.repeat(8), conversation, seq }
  return {
    id: newId(),
    ...place,
    kind: 'message',
    ...bytes,
    receivedMs,
    state: 'received',
    attempt: 0,
    verified: false
  }
}

/** Old rows that have ended, as a week of a busy instance leaves them. */
function fill(store: Store, rows: number): void {
  for (let done = 0; done < rows; done += FILL_ROWS) {
    const conversation = newId()
    const batch = Array.from({ length: Math.min(FILL_ROWS, rows - done) }, (_, seq) =>
      arrival(seq + 1, conversation, done)
    )
    store.inbox.insert(batch.map(row => ({ ...row, state: 'done' as const, verified: true })))
  }
}

function arrivals(store: Store): Spread {
  const conversation = newId()
  const times = Array.from({ length: COMMITS }, (_, index) => {
    const row = arrival(index + 1, conversation, Date.now())
    const startMs = performance.now()
    store.inbox.insert([row])
    store.inbox.update(row.instance, row.id, { verified: true })
    store.inbox.update(row.instance, row.id, { state: 'done' })
    return performance.now() - startMs
  })
  return spreadOf(times)
}

/** As the mesh does it, see `InboxCaps`: `full` where the sender has used its share up. */
function batches(store: Store, full: boolean): Spread {
  const conversation = newId()
  const times = Array.from({ length: BATCHES }, (_, batch) => {
    const rows = Array.from({ length: AT_ONCE }, (_, i) => arrival(batch * AT_ONCE + i + 1, conversation, Date.now()))
    const startMs = performance.now()
    store.transaction(() => {
      store.inbox.kept()
      let free = 0
      for (const row of rows) {
        store.inbox.kept(row.instance)
        store.inbox.nextSeq(row.instance, row.epoch, row.conversation)
        store.inbox.holds(row.instance, row.epoch, row.conversation, row.seq)
        free -= row.envelope.length
        if (full && free < 0) free = store.inbox.trim(row.instance, 64 * 1024, { limit: 64, gapBeforeMs: 0 }).bytes
        store.inbox.insert([row])
      }
    })
    return performance.now() - startMs
  })
  return spreadOf(times)
}

function sweeps(store: Store): Spread {
  const times = Array.from({ length: 20 }, () => {
    const startMs = performance.now()
    store.inbox.prune(Number.MAX_SAFE_INTEGER, SWEEP_ROWS)
    return performance.now() - startMs
  })
  return spreadOf(times)
}

function spreadOf(times: number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 100) / 100
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

const dir = mkdtempSync(join(values.dir, 'mesh-bench-'))
try {
  const messages = Number(values.messages)
  // A first round of each warms up the compiler.
  await accepted(new FakeStore(), messages / 4)
  const inMemory = await accepted(new FakeStore(), messages)
  const onDisk = openStore({ dir: join(dir, 'outbox'), log, clock })
  const durable = await accepted(onDisk, messages)
  await onDisk.close()

  const store = openStore({ dir: join(dir, 'inbox'), log, clock })
  const empty = arrivals(store)
  const emptyBatch = batches(store, false)
  const rows = Number(values.rows)
  fill(store, rows)
  const full = arrivals(store)
  const batch = { arrivals: AT_ONCE, empty: emptyBatch, room: batches(store, false), trimming: batches(store, true) }
  const sweep = sweeps(store)
  await store.close()
  const startMs = performance.now()
  await openStore({ dir: join(dir, 'inbox'), log, clock }).close()
  const result = {
    durable: {
      atOnce: AT_ONCE,
      inMemoryPerS: inMemory,
      onDiskPerS: durable,
      factor: Math.round((inMemory / durable) * 100) / 100
    },
    commits: { rows, empty, full, batch, sweep: { rows: SWEEP_ROWS, ...sweep } },
    open: {
      rows,
      ms: Math.round(performance.now() - startMs),
      mib: Math.round(statSync(join(dir, 'inbox/libp2p/mesh.sqlite')).size / 2 ** 20)
    }
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
} finally {
  rmSync(dir, { recursive: true })
}
