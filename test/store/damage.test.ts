import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../src/store/index.ts'
import { DAMAGED_MAX } from '../../src/store/quarantine.ts'
import { ALICE, BOB, CONVERSATION, EPOCH, idOf, inboxRow, outboxRow } from '../contract/store-rows.ts'
import { ask, changed, type Files, fill, type Judgement, judge, randomOf, readFiles, writeFiles } from './damage.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

const DATABASE = 'mesh.sqlite'
const LOG = 'mesh.sqlite-wal'
const CUTS = 64
const FLIPS = 300
/** Each of hundreds opens a store twice: seconds on an idle machine. */
const LONG_MS = 600_000

const SEED = 20_261_121

/** A state directory after a clean end, and the same one as a killed process leaves it. */
let closed: Files
let killed: Files
let before: Map<string, unknown>

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'mesh-store-'))
  const store = fill(dir)
  before = ask(store)
  killed = readFiles(dir)
  await store.close()
  closed = readFiles(dir)
  rmSync(dir, { recursive: true })
})

/** Judges each of them in a directory of its own; returns how many ended how, and what was wrong. */
async function judgeAll(cases: Array<[string, Files]>): Promise<{ counts: Record<string, number>; faults: string[] }> {
  const dir = temporaryDirectory()
  const judged: Array<[string, Judgement]> = []
  for (const [name, files] of cases) {
    writeFiles(dir, files)
    judged.push([name, await judge(dir, before)])
  }
  const faults = judged.flatMap(([name, judgement]) => judgement.faults.map(fault => `${name}: ${fault}`))
  const counts = Object.fromEntries(
    [...Map.groupBy(judged, ([, { outcome }]) => outcome)].map(([outcome, group]) => [outcome, group.length])
  )
  return { counts, faults }
}

function flipsOf(files: Files, name: string, count: number): Array<[string, Files]> {
  const random = randomOf(SEED)
  return Array.from({ length: count }, () => {
    const at = random(files.get(name)?.length ?? 0)
    const bit = random(8)
    return [
      `${name} byte ${at} bit ${bit}`,
      changed(files, name, bytes => {
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
        return bytes
      })
    ]
  })
}

describe('a damaged state', () => {
  it('is judged sound when nothing was done to it', async () => {
    expect(
      await judgeAll([
        ['closed', closed],
        ['killed', killed]
      ])
    ).toEqual({ counts: { harmless: 2 }, faults: [] })
  })

  it(`R-10: cut at ${CUTS} places, is refused with advice and left as it is`, { timeout: LONG_MS }, async () => {
    const length = closed.get(DATABASE)?.length ?? 0
    const cuts = Array.from({ length: CUTS }, (_, index) => Math.floor((length * index) / CUTS))
    const cases = cuts.map((at): [string, Files] => [`cut at ${at}`, changed(closed, DATABASE, b => b.subarray(0, at))])
    expect(await judgeAll(cases)).toEqual({ counts: { refused: CUTS }, faults: [] })
  })

  it(`R-10: of ${FLIPS} flipped bits each is harmless, or said, or refused, and none widens trust`, {
    timeout: LONG_MS
  }, async () => {
    const { counts, faults } = await judgeAll(flipsOf(closed, DATABASE, FLIPS))
    expect(faults).toEqual([])
    expect(counts['told']).toBeGreaterThan(FLIPS / 4)
  })

  it('R-10: of 100 flipped bits in the log that a killed process left, none loses a commit in silence', {
    timeout: LONG_MS
  }, async () => {
    const { counts, faults } = await judgeAll(flipsOf(killed, LOG, 100))
    expect(faults).toEqual([])
    expect(counts['refused']).toBeGreaterThan(25)
  })

  it.each(['', 'nonsense', `99999 0\n${' '.repeat(24)}`])(
    'R-10: a count of commits that says %j counts for nothing',
    async text => {
      const files = changed(closed, 'commits', () => new TextEncoder().encode(text))
      expect(await judgeAll([['count', files]])).toEqual({ counts: { harmless: 1 }, faults: [] })
    }
  )

  it.each([
    ['zeros in place of the database', DATABASE, (bytes: Uint8Array) => bytes.fill(0)],
    ['JSON in place of the database', DATABASE, () => new TextEncoder().encode('{"not":"a database"}'.repeat(300))],
    ['nothing in the database', DATABASE, () => new Uint8Array()],
    ['no database', DATABASE, () => undefined]
  ])('R-10: %s is refused with advice', async (name, file, change) => {
    expect(await judgeAll([[name, changed(closed, file, change)]])).toEqual({ counts: { refused: 1 }, faults: [] })
  })

  it.each([
    ['gone', () => undefined],
    ['empty', () => new Uint8Array()],
    ['without its header', (bytes: Uint8Array) => bytes.fill(0, 0, 32)]
  ])(
    'R-10: a log that is %s after a kill is refused, and what is done as advised goes on without trust',
    async (_, change) => {
      const files = changed(killed, LOG, change)
      expect(await judgeAll([['log', files]])).toEqual({ counts: { refused: 1 }, faults: [] })
      const dir = temporaryDirectory()
      writeFiles(
        dir,
        changed(
          changed(files, LOG, () => undefined),
          'epoch',
          () => undefined
        )
      )
      const store = openStore({ dir, log: recordingLog(), clock })
      expect(store.trust.get(ALICE)?.level ?? 'unknown').toBe('unknown')
      await store.close()
    }
  )

  it('R-10: a damaged row is set aside and said, and its neighbours work on', async () => {
    const dir = temporaryDirectory()
    writeFiles(dir, closed)
    edit(dir, `UPDATE outbox SET expires_ms = 7 WHERE id = '${idOf(5)}'; UPDATE inbox SET verified = 1 WHERE seq = 39`)
    const log = recordingLog()
    const store = openStore({ dir, log, clock })
    expect(store.outbox.get(idOf(5))).toBeUndefined()
    expect(store.outbox.get(idOf(10))).toEqual(before.get('sent 10'))
    expect(store.inbox.get(ALICE, idOf(39))).toBeUndefined()
    expect(store.inbox.get(ALICE, idOf(38))).toEqual(before.get('came 38'))
    expect(log.lines.map(({ message, fields }) => [message, fields])).toEqual(
      [
        ['a damaged record is set aside', { source: 'outbox' }],
        ['a damaged record is set aside', { source: 'inbox' }],
        ['what waits was counted anew', undefined]
      ].slice(0, log.lines.length)
    )
    expect(log.lines.length).toBeGreaterThanOrEqual(2)
    const [issue] = store.issues()
    expect(issue).toMatch(/^2 records of this instance were damaged and are set aside \(inbox 1, outbox 1\)\./)
    expect(store.notices.unread(10).map(({ text }) => text)).toContain(issue)
    // Its sender repeats it, because it was never delivered: it is taken again, and shown then.
    expect(store.inbox.insert([inboxRow(39)])).toEqual(new Set([idOf(39)]))
    await store.close()
    expect(rowsOf(dir, 'SELECT source FROM damaged ORDER BY place')).toEqual([
      { source: 'outbox' },
      { source: 'inbox' }
    ])
  })

  it(`R-10: keeps ${DAMAGED_MAX} damaged rows for a look, however many there were, and starts with the others`, async () => {
    const dir = temporaryDirectory()
    writeFiles(dir, closed)
    edit(dir, 'UPDATE outbox SET expires_ms = 7; UPDATE inbox SET received_ms = 7')
    const store = openStore({ dir, log: recordingLog(), clock })
    expect(store.outbox.load()).toEqual({ entries: 0, bytes: 0 })
    expect(store.issues()).toEqual([expect.stringMatching(`^${DAMAGED_MAX} records`)])
    await store.close()
    expect(rowsOf(dir, 'SELECT count(*) AS count FROM damaged')).toEqual([{ count: DAMAGED_MAX }])
  })

  it('R-10: a row that is damaged while the store is open is set aside when it is read', async () => {
    const dir = temporaryDirectory()
    writeFiles(dir, closed)
    const store = openStore({ dir, log: recordingLog(), clock })
    edit(dir, `UPDATE outbox SET peer = 'x' WHERE id = '${idOf(5)}'`)
    expect(store.outbox.queued(ALICE, 100).map(({ seq }) => seq)).not.toContain(5)
    expect(store.outbox.queued(ALICE, 100).map(({ seq }) => seq)).toContain(10)
    expect(store.issues()).toHaveLength(1)
    edit(dir, `UPDATE trust SET level = 'trusted' WHERE instance = '${ALICE}'`)
    expect(store.trust.get(ALICE)?.level).toBe('blocked')
    expect(store.trust.all().map(({ level }) => level)).toEqual(['blocked', 'blocked', 'unknown'])
    await store.close()
  })

  it('R-10: a damaged window is made again from the rows, and lets nothing in twice', async () => {
    const dir = temporaryDirectory()
    writeFiles(dir, closed)
    edit(dir, 'UPDATE windows SET next_seq = next_seq + 4096')
    const store = openStore({ dir, log: recordingLog(), clock })
    expect(store.inbox.nextSeq(ALICE, EPOCH, CONVERSATION)).toBe(before.get('next seq'))
    expect(store.inbox.insert([inboxRow(1), inboxRow(61)])).toEqual(new Set([idOf(61)]))
    await store.close()
  })

  it('R-10: damaged numbers of a conversation make a new epoch, in which trust stays', async () => {
    const dir = temporaryDirectory()
    writeFiles(dir, closed)
    edit(dir, 'UPDATE sequences SET last_seq = 1')
    const store = openStore({ dir, log: recordingLog(), clock })
    expect(store.epoch).not.toBe(before.get('epoch'))
    expect(store.trust.get(ALICE)?.level).toBe('paired')
    store.outbox.insert([outboxRow(1, { id: idOf(1_000) })])
    await store.close()
  })

  it('R-10: a row whose name is no text any more is set aside once', async () => {
    const dir = temporaryDirectory()
    writeFiles(dir, closed)
    for (const table of ['sequences', 'windows']) edit(dir, `UPDATE ${table} SET conversation = CAST(x'e330' AS TEXT)`)
    await openStore({ dir, log: recordingLog(), clock }).close()
    const log = recordingLog()
    const store = openStore({ dir, log, clock })
    expect(log.lines).toEqual([])
    expect(store.issues()).toEqual([expect.stringMatching(/^2 records .* \(sequences 1, windows 1\)/)])
    await store.close()
  })

  it('R-10: what is kept of a peer is counted anew where the count was damaged', async () => {
    const dir = temporaryDirectory()
    writeFiles(dir, closed)
    const open = () => openStore({ dir, log: recordingLog(), clock })
    const store = open()
    const kept = store.inbox.kept()
    await store.close()
    edit(dir, 'UPDATE holdings SET bytes = bytes + 4096')
    const again = open()
    expect(again.inbox.kept()).toEqual(kept)
    await again.close()
  })

  it('R-10: a trust record whose name is damaged blocks whom it was about', async () => {
    const dir = temporaryDirectory()
    writeFiles(dir, closed)
    const path = join(dir, 'libp2p', DATABASE)
    const [page] = rowsOf(dir, "SELECT rootpage FROM sqlite_schema WHERE name = 'trust'") as Array<{ rootpage: number }>
    const bytes = readFileSync(path)
    const at = bytes.indexOf(BOB, ((page?.rootpage ?? 0) - 1) * 4_096)
    writeFiles(
      dir,
      changed(closed, DATABASE, file => file.fill(0x63, at, at + 1))
    )
    const log = recordingLog()
    const store = openStore({ dir, log, clock })
    expect(store.trust.get(BOB)?.level).toBe('blocked')
    expect(log.lines.map(({ level }) => level)).toContain('error')
    await store.close()
  })
})

/** Works on the file as another program would. */
function edit(dir: string, sql: string): void {
  const database = new DatabaseSync(join(dir, 'libp2p', DATABASE))
  database.exec(sql)
  database.close()
}

function rowsOf(dir: string, sql: string): unknown[] {
  const database = new DatabaseSync(join(dir, 'libp2p', DATABASE), { readOnly: true })
  const rows = database
    .prepare(sql)
    .all()
    .map(row => ({ ...row }))
  database.close()
  return rows
}
