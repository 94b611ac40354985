import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MeshError } from '../../src/mesh/errors.ts'
import type { Store, TrustLevel, TrustRecord } from '../../src/mesh/ports.ts'
import { openStore } from '../../src/store/index.ts'
import {
  ALICE,
  BOB,
  CONVERSATION,
  contactRow,
  EPOCH,
  idOf,
  inboxRow,
  outboxRow,
  ticketRow,
  turnRow
} from '../contract/store-rows.ts'
import { clock, recordingLog } from './temporary.ts'

const CAROL = 'cccc-cccc-cccc-cccc-cccc-cccc'
const ROWS = 60
const RANKS: Record<TrustLevel, number> = { blocked: 0, unknown: 1, paired: 2, trusted: 3 }

/** What a repair needs, and a refused start leaves as it is. */
const EVIDENCE = ['mesh.sqlite', 'mesh.sqlite-wal', 'epoch', 'commits']
const NOTHING = new Uint8Array()

/** The files of `DIR/libp2p`, by name. */
export type Files = Map<string, Uint8Array>

/** Something in every table, in every state that matters. The store stays open. */
export function fill(dir: string): Store {
  const store = openStore({ dir, log: recordingLog(), clock })
  const envelope = (seq: number) => new Uint8Array(300 + seq).fill(seq)
  const states = ['queued', 'received', 'delivered', 'answered', 'rejected'] as const
  store.outbox.insert(
    seqs().map(seq =>
      outboxRow(seq, {
        envelope: envelope(seq),
        ...(seq % 3 === 0 && { idempotencyKey: `key ${seq}` }),
        ...(seq % 4 === 0 && { session: `session ${seq}` })
      })
    )
  )
  for (const seq of seqs()) store.outbox.advance(idOf(seq), states[seq % states.length] ?? 'queued')
  store.inbox.insert(seqs().map(seq => inboxRow(seq, { envelope: envelope(seq), verified: seq % 2 === 0 })))
  for (const seq of seqs().filter(n => n < ROWS / 2)) store.inbox.update(ALICE, idOf(seq), { state: 'done' })
  const records: Array<Partial<TrustRecord> & { instance: string }> = [
    { instance: ALICE, level: 'paired', peers: ['12D3KooWAlice'], petname: 'Ada' },
    { instance: BOB, level: 'blocked' },
    { instance: CAROL, level: 'unknown', tombstone: true }
  ]
  for (const record of records)
    store.trust.put({
      peers: [],
      level: 'unknown',
      sinceMs: 5,
      how: 'ticket',
      revision: 0,
      tombstone: false,
      ...record
    })
  for (const number of [1, 2]) store.tickets.insert(ticketRow(number), 0)
  for (const number of [1, 2, 3]) store.contacts.put(contactRow(number))
  store.contacts.put(contactRow(4, { direction: 'outgoing' }))
  store.contacts.reject('stranger-3', 5)
  for (const number of [1, 2, 3]) store.turns.add(turnRow(number))
  for (const number of [1, 2, 3]) store.notices.add({ atMs: number, subject: `s${number}`, text: `notice ${number}` })
  store.setValue('label', 'brisk otter')
  store.setValue('route seq', '17')
  return store
}

/** All that can be asked, one answer per question. */
export function ask(store: Store): Map<string, unknown> {
  const questions: Array<[string, () => unknown]> = [
    ['epoch', () => store.epoch],
    ['last seq', () => store.outbox.lastSeq(ALICE, CONVERSATION)],
    ['next seq', () => store.inbox.nextSeq(ALICE, EPOCH, CONVERSATION)],
    ['queued', () => store.outbox.queued(ALICE, 100).map(({ id }) => id)],
    ['unsettled', () => store.outbox.unsettled(ALICE, 100).map(({ id }) => id)],
    ['load', () => store.outbox.load()],
    ['waiting', () => store.outbox.waitingInstances()],
    ['open', () => store.inbox.inStates(['received', 'dispatching', 'adopted'], 100)],
    ['newest', () => store.inbox.newest(100)],
    ['tickets', () => store.tickets.all()],
    ['incoming', () => store.contacts.pending('incoming')],
    ['outgoing', () => store.contacts.pending('outgoing')],
    ['rejected', () => store.contacts.get('stranger-3', 'incoming')],
    ['turns', () => store.turns.since(0)],
    ['notices', () => store.notices.unread(10).filter(({ text }) => text.startsWith('notice'))],
    ['label', () => store.value('label')],
    ['route seq', () => store.value('route seq')],
    ...seqs().map(seq => [`sent ${seq}`, () => store.outbox.get(idOf(seq))] as [string, () => unknown]),
    ...seqs().map(seq => [`key ${seq}`, () => store.outbox.byIdempotencyKey(`key ${seq}`)] as [string, () => unknown]),
    ...seqs().map(seq => [`came ${seq}`, () => store.inbox.get(ALICE, idOf(seq))] as [string, () => unknown]),
    ...[ALICE, BOB, CAROL].map(one => [`trust ${one}`, () => store.trust.get(one)] as [string, () => unknown])
  ]
  return new Map(questions.map(([name, question]) => [name, answerOf(question)]))
}

export interface Judgement {
  /** How it ended: nothing to be seen, said and the rest works, or the start refused. */
  outcome: 'harmless' | 'told' | 'refused'
  /** What is wrong, empty where all is well. */
  faults: string[]
}

/** Opens a damaged directory and holds what it says against the answers from before. */
export async function judge(dir: string, before: Map<string, unknown>): Promise<Judgement> {
  const log = recordingLog()
  const given = readFiles(dir)
  let store: Store
  try {
    store = openStore({ dir, log, clock })
  } catch (error) {
    const advised = error instanceof MeshError && /backup|put it back|newer program/.test(error.message)
    const left = readFiles(dir)
    const touched = EVIDENCE.filter(name => Buffer.compare(left.get(name) ?? NOTHING, given.get(name) ?? NOTHING) !== 0)
    const faults = touched.map(name => `${name} was changed by a refused start`)
    return { outcome: 'refused', faults: advised ? faults : [`refused without advice: ${String(error)}`, ...faults] }
  }
  const after = ask(store)
  const changed = [...before.keys()].filter(
    name => JSON.stringify(after.get(name)) !== JSON.stringify(before.get(name))
  )
  const told = store.issues().length > 0 || log.lines.some(({ level }) => level === 'warn' || level === 'error')
  const faults = told ? [] : changed.map(name => `${name} changed in silence`)
  const widened = [ALICE, BOB, CAROL].filter(
    one => rankOf(after.get(`trust ${one}`)) > rankOf(before.get(`trust ${one}`))
  )
  faults.push(...widened.map(name => `trust of ${name} widened`))
  await store.close()
  // What was set aside stays aside: a second start finds nothing new.
  const again = recordingLog()
  const second = openStore({ dir, log: again, clock })
  if (again.lines.some(({ level }) => level === 'error')) faults.push(`said twice: ${again.lines[0]?.message}`)
  await second.close()
  return { outcome: changed.length === 0 && !told ? 'harmless' : 'told', faults }
}

export function readFiles(dir: string): Files {
  const directory = join(dir, 'libp2p')
  return new Map(readdirSync(directory).map(name => [name, readFileSync(join(directory, name))]))
}

export function writeFiles(dir: string, files: Files): void {
  const directory = join(dir, 'libp2p')
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  for (const [name, bytes] of files) writeFileSync(join(directory, name), bytes, { mode: 0o600 })
}

/** The files with one of them changed; without it where the change gives none. */
export function changed(files: Files, name: string, change: (bytes: Uint8Array) => Uint8Array | undefined): Files {
  const bytes = change(Uint8Array.from(files.get(name) ?? []))
  const others = [...files].filter(([other]) => other !== name)
  return new Map(bytes === undefined ? others : [...others, [name, bytes]])
}

/** Whole numbers below a limit, the same for the same seed (mulberry32). */
export function randomOf(seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % limit
  }
}

function seqs(): number[] {
  return Array.from({ length: ROWS }, (_, index) => index + 1)
}

/** A question that is refused is answered with the refusal. */
function answerOf(question: () => unknown): unknown {
  try {
    return question() ?? null
  } catch (error) {
    if (error instanceof MeshError && error.code === 'store_failed') return `refused: ${error.message}`
    throw error
  }
}

/** What the policy says of an instance without a record may be anything: no record is more than a refusal. */
function rankOf(answer: unknown): number {
  if (answer === null) return RANKS.unknown + 0.5
  const { level, tombstone } = answer as TrustRecord
  return tombstone ? RANKS.blocked : RANKS[level]
}
