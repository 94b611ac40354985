import type { AftermathStore, LateCount, OutboxEntry, OutboxState } from '../mesh/ports.ts'
import { integer, oneOf, type Row, text } from './columns.ts'
import type { Database } from './database.ts'
import { IS_DEAD, readHead, STATES } from './outbox.ts'
import type { Quarantine } from './quarantine.ts'
import type { Query } from './query.ts'

/** All columns of an entry: the bytes of a list of messages are megabytes. Without them no checksum says whether they are what was written. */
const COLUMNS = `place, id, instance, peer, conversation, seq, kind, in_reply_to, state, reason, created_ms, expires_ms, idempotency_key,
  session, reply_id, reached, told, dismissed`

/** As the indexes have them, word for word, or those are not used. */
const IS_UNSAID = `state = 'queued' AND said IS NULL AND kind <> 'skip'`
const IS_END_UNSAID = `state IN ('rejected', 'expired') AND said IS NOT 'ended' AND kind <> 'skip'`
const IS_ARRIVAL_UNSAID = `state IN ('received', 'delivered', 'answered') AND said IN ('waits', 'ended')`
const IS_UNTOLD = `session IS NOT NULL AND state IN ('delivered', 'answered', 'rejected', 'expired') AND told IS NOT state`

const IS_WAITING = `state IN ('queued', 'received') AND kind <> 'skip'`

/** What became of messages, and who was told. Every method throws MeshError `store_failed`. */
export class Aftermath implements AftermathStore {
  readonly #quarantine: Quarantine
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, quarantine }: { database: Database; quarantine: Quarantine }) {
    this.#quarantine = quarantine
    this.#queries = prepare(database)
  }

  get(id: string): OutboxEntry | undefined {
    const row = this.#quarantine.sound('outbox', this.#queries.get.get({ id }))
    return row && readEntry(row)
  }

  waiting(limit: number): OutboxEntry[] {
    return this.#readable(this.#queries.waiting.all({ limit }))
  }

  waitingCount(): number {
    return integer(this.#queries.waitingCount.get() ?? {}, 'count')
  }

  deadLetters(limit: number): OutboxEntry[] {
    return this.#readable(this.#queries.dead.all({ limit }))
  }

  deadLetterCount(): number {
    return integer(this.#queries.deadCount.get() ?? {}, 'count')
  }

  dismiss(id: string): boolean {
    return this.#queries.dismiss.run({ id }) > 0
  }

  dismissAll(which: { instance: string } | { keep: number }): number {
    const { dismissOf, dismissOld } = this.#queries
    return 'keep' in which ? dismissOld.run({ keep: which.keep }) : dismissOf.run({ instance: which.instance })
  }

  nextExpiryMs(): number | undefined {
    const row = this.#queries.nextExpiry.get()
    return row && integer(row, 'expires_ms')
  }

  oldestUnsaidMs(): number | undefined {
    const row = this.#queries.oldestUnsaid.get()
    return row && integer(row, 'created_ms')
  }

  sayWaiting(createdMs: number, limit: number): Map<string, number> {
    const rows = this.#queries.sayWaiting.all({ createdMs, limit })
    const byInstance = Map.groupBy(rows, row => text(row, 'instance'))
    return new Map([...byInstance].map(([instance, group]) => [instance, group.length]))
  }

  sayLate(limit: number): LateCount[] {
    const { sayArrived, sayEnds } = this.#queries
    const ends = sayEnds.all({ limit })
    const counts = new Map<string, LateCount>()
    for (const row of [...ends, ...sayArrived.all({ limit: limit - ends.length })]) {
      const instance = text(row, 'instance')
      const state = oneOf(row, 'state', STATES)
      const count = counts.get(instance) ?? { instance, arrived: 0, rejected: 0, expired: 0 }
      counts.set(instance, count)
      count[state === 'rejected' || state === 'expired' ? state : 'arrived']++
    }
    return [...counts.values()]
  }

  sayEnded(id: string): void {
    this.#queries.sayEnded.run({ id })
  }

  /** An unknown `afterId` counts as none: what is told twice does less harm than what is never told. A damaged row is told to nobody. */
  untold(limit: number, afterId = ''): OutboxEntry[] {
    return this.#quarantine.soundOf('outbox', this.#queries.untold.all({ limit, afterId })).map(readEntry)
  }

  tell(id: string, state: OutboxState, newsMs?: number): void {
    this.#queries.tell.run({ id, state, newsMs: newsMs ?? null })
  }

  untell(id: string): void {
    this.#queries.tell.run({ id, state: null, newsMs: null })
  }

  heard(id: string): void {
    this.#queries.heard.run({ id })
  }

  retell(sinceMs: number, limit: number): number {
    return this.#queries.retell.run({ sinceMs, limit })
  }

  /** One that nobody can read keeps the others from nobody: it is set aside. */
  #readable(rows: Row[]): OutboxEntry[] {
    return rows.flatMap(row => {
      try {
        return [readEntry(row)]
      } catch (error) {
        const whole = this.#queries.at.get({ place: integer(row, 'place') })
        if (whole === undefined || this.#quarantine.sound('outbox', whole) !== undefined) throw error
        return []
      }
    })
  }
}

function prepare(database: Database) {
  return {
    get: database.query(`SELECT * FROM outbox WHERE id = :id AND kind <> 'skip'`),
    at: database.query('SELECT * FROM outbox WHERE place = :place'),
    waiting: database.query(`SELECT ${COLUMNS} FROM outbox WHERE ${IS_WAITING} ORDER BY place LIMIT :limit`),
    waitingCount: database.query(`SELECT count(*) AS count FROM outbox WHERE ${IS_WAITING}`),
    dead: database.query(`SELECT ${COLUMNS} FROM outbox WHERE ${IS_DEAD} ORDER BY place DESC LIMIT :limit`),
    deadCount: database.query(`SELECT count(*) AS count FROM outbox WHERE ${IS_DEAD}`),
    dismiss: database.query(`UPDATE outbox SET dismissed = 1, said = 'ended' WHERE id = :id AND ${IS_DEAD}`),
    dismissOf: database.query(
      `UPDATE outbox SET dismissed = 1, said = 'ended' WHERE instance = :instance AND ${IS_DEAD}`
    ),
    dismissOld: database.query(`
      UPDATE outbox SET dismissed = 1, said = 'ended' WHERE place IN (
        SELECT place FROM outbox WHERE ${IS_DEAD} ORDER BY place DESC LIMIT -1 OFFSET :keep)`),
    nextExpiry: database.query(`
      SELECT expires_ms FROM outbox WHERE state IN ('queued', 'received') ORDER BY expires_ms LIMIT 1`),
    oldestUnsaid: database.query(`SELECT created_ms FROM outbox WHERE ${IS_UNSAID} ORDER BY created_ms LIMIT 1`),
    sayWaiting: database.query(`
      UPDATE outbox SET said = 'waits' WHERE place IN (
        SELECT place FROM outbox WHERE ${IS_UNSAID} AND created_ms <= :createdMs ORDER BY created_ms LIMIT :limit)
      RETURNING instance`),
    sayEnds: database.query(`
      UPDATE outbox SET said = 'ended' WHERE place IN (
        SELECT place FROM outbox WHERE ${IS_END_UNSAID} ORDER BY place LIMIT :limit)
      RETURNING instance, state`),
    sayArrived: database.query(`
      UPDATE outbox SET said = 'arrived' WHERE place IN (
        SELECT place FROM outbox WHERE ${IS_ARRIVAL_UNSAID} ORDER BY place LIMIT :limit)
      RETURNING instance, state`),
    sayEnded: database.query(`UPDATE outbox SET said = 'ended' WHERE id = :id AND ${IS_END_UNSAID}`),
    untold: database.query(`
      SELECT * FROM outbox
      WHERE ${IS_UNTOLD} AND place > coalesce((SELECT place FROM outbox WHERE id = :afterId), 0)
      ORDER BY place LIMIT :limit`),
    tell: database.query('UPDATE outbox SET told = :state, news_ms = :newsMs WHERE id = :id'),
    heard: database.query('UPDATE outbox SET news_ms = NULL WHERE id = :id AND news_ms IS NOT NULL'),
    retell: database.query(`
      UPDATE outbox SET told = NULL, news_ms = NULL WHERE place IN (
        SELECT place FROM outbox WHERE news_ms IS NOT NULL AND news_ms >= :sinceMs ORDER BY news_ms DESC LIMIT :limit)`)
  } satisfies Record<string, Query>
}

/** What no checksum covers may be anything: what nobody can read was not told. */
function readEntry(row: Row): OutboxEntry {
  const told = STATES.find(state => state === row['told'])
  return {
    ...readHead(row),
    ...(told !== undefined && { told }),
    dismissed: row['dismissed'] === 1,
    reached: row['reached'] === 1
  }
}
