import { MeshError } from '../mesh/errors.ts'
import type { Log } from '../mesh/ports.ts'
import type { Row } from './columns.ts'
import type { Database } from './database.ts'
import type { Quarantine } from './quarantine.ts'
import { isSealed, SEALED_TABLES, type SealedTable } from './sealed.ts'
import { DAMAGE_ADVICE } from './sqlite-errors.ts'

/** As many as one wants to read in a log. */
const COMPLAINTS_MAX = 5

/** A file of this size is looked through at every start, within half a second; a larger one only where it did not end by itself. */
const ALWAYS_MAX_BYTES = 32 * 1024 * 1024

/** Inbox rows that ended are many, and are checked when they are read; in an ending they start nothing by themselves. */
const LOOKED_THROUGH: Partial<Record<SealedTable, string>> = {
  inbox: "inbox NOT INDEXED WHERE state NOT IN ('replied', 'done', 'unknown', 'rejected')"
}

/** What is still to act, by its index. */
const WAITING: Partial<Record<SealedTable, string>> = {
  inbox: "inbox WHERE state IN ('received', 'dispatching', 'adopted')",
  outbox: "outbox WHERE state IN ('queued', 'received')"
}

/** Tables that decide who may what, and stay small: looked through at every start. */
const SMALL = ['trust', 'tickets', 'meta', 'sequences', 'windows', 'contacts', 'turns', 'notices', 'loads', 'commits']

export interface Losses {
  /** Tables that lost rows. */
  tables: ReadonlySet<SealedTable>
  /** Instances whose trust record cannot be found under their name any more. */
  nameless: ReadonlySet<string>
  /** Rows of the outbox, as they stood there. */
  outbox: readonly Row[]
}

/**
 * Looks the file through before anything rests on it: its structure, whether indexes agree with tables, and every row that is still to act. Messages of a
 * large file that ended by itself are passed over: seconds of every start, for bits that flip while nobody runs; each row is checked again where it is read.
 * Indexes are made anew where they do not agree; damaged rows are set aside.
 *
 * @throws MeshError `store_failed` for a file that is damaged in its structure
 */
export function makeSound({
  database,
  quarantine,
  clean,
  log
}: {
  database: Database
  quarantine: Quarantine
  /** The last run ended by itself. */
  clean: boolean
  log: Log
}): Losses {
  const quick = clean && database.sizeBytes() > ALWAYS_MAX_BYTES
  const lookedThrough = quick ? WAITING : LOOKED_THROUGH
  const nameless = new Set<string>()
  const lost = new Set<SealedTable>()
  const outbox: Row[] = []
  // All of it or nothing: a file that is refused in the end stays as it was.
  database.transaction(() => {
    const complaints = quick ? SMALL.flatMap(table => complaintsOf(database, table)) : complaintsOf(database)
    if (complaints.length > 0) {
      log.error('the database disagrees with itself; its indexes are made anew', { complaints: complaints.length })
      const names = database.query('SELECT instance FROM trust INDEXED BY sqlite_autoindex_trust_1').all()
      for (const row of names) nameless.add(String(row['instance']))
      // Rows are the truth, and each is checked below and where it is read.
      try {
        database.reindex()
      } catch (cause) {
        throw damaged(cause instanceof Error ? cause.message : String(cause))
      }
    }
    for (const table of SEALED_TABLES) {
      // Notices are what the damage is told in: theirs come last, and none is lost that was just written.
      const rows = database.scan(`SELECT * FROM ${lookedThrough[table] ?? table}`, row => !isSealed(table, row))
      for (const row of rows) quarantine.remove(table, row)
      if (rows.length > 0) lost.add(table)
      if (table === 'outbox') outbox.push(...rows)
    }
    const left = complaints.length > 0 || lost.size > 0 ? complaintsOf(database) : []
    if (left[0] !== undefined) throw damaged(left[0])
  })
  return { tables: lost, nameless, outbox }
}

/** Of one table, or of the whole file. */
function complaintsOf(database: Database, table?: string): string[] {
  const rows = database.query(`PRAGMA integrity_check(${table ?? COMPLAINTS_MAX})`).all()
  return rows.map(row => String(Object.values(row)[0])).filter(line => line !== 'ok')
}

function damaged(how: string): MeshError {
  return new MeshError('store_failed', { detail: `mesh.sqlite is damaged (${how}): ${DAMAGE_ADVICE}` })
}
