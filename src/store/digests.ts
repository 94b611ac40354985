import { crcOf, type Row } from './columns.ts'
import type { Database } from './database.ts'

/** Checksums are 32 bits wide, and so is the sum of them. */
const MASK = '4294967295'

/**
 * The row of `commits` holds a sum of the checksums of these tables, kept by triggers. Every commit writes that row, so it is in the log whenever anything
 * is: where SQLite lays a log over a database that it does not belong to, pages that the log has not are of another time, and the sums tell.
 */
export const DIGESTS = { granted: ['trust', 'tickets'], counted: ['sequences'] } as const

/** What makes SQLite keep the sums, for the migration that adds them. */
export function digestTriggers(): string {
  const made = Object.entries(DIGESTS).flatMap(([digest, tables]) =>
    tables.flatMap(table =>
      (
        [
          ['INSERT', '+ new.checksum'],
          ['UPDATE', '- old.checksum + new.checksum'],
          ['DELETE', '- old.checksum']
        ] as const
      ).map(
        ([event, change]) => `
    CREATE TRIGGER ${table}_digest_${event.toLowerCase()} AFTER ${event} ON ${table} BEGIN
      UPDATE commits SET ${digest} = (${digest} ${change}) & ${MASK};
    END;`
      )
    )
  )
  return made.join('')
}

/** SQL for the sum as the tables have it. */
export function digestOf(digest: keyof typeof DIGESTS): string {
  const sums = DIGESTS[digest].map(table => `coalesce((SELECT sum(checksum & ${MASK}) FROM ${table}), 0)`)
  return `((${sums.join(' + ')}) & ${MASK})`
}

/** The checksum of a count of commits. */
export function sealOfCount(count: number): number {
  return crcOf({ count }, ['count'])
}

/** Asks for the number of commits: a damaged one may be beyond what JavaScript counts. */
export const ASK_COUNT = `SELECT min(max(count, -1), ${Number.MAX_SAFE_INTEGER}) AS count, min(max(checksum, -1), ${MASK}) AS checksum FROM commits`

/** The number of commits, undefined where it is not what was written. */
export function countOf(row: Row | undefined): number | undefined {
  const count = row?.['count']
  return typeof count === 'number' && row?.['checksum'] === sealOfCount(count) ? count : undefined
}

/** Whether whom the owner let in, and the numbers of conversations, are those of the newest commit. */
export function compareDigests(database: Database): { granted: boolean; counted: boolean } {
  const sums = `${digestOf('granted')} AS granted_sum, ${digestOf('counted')} AS counted_sum`
  const [row] = database.scan(`SELECT *, ${sums} FROM commits`, () => true)
  return {
    granted: countOf(row) !== undefined && row?.['granted'] === row?.['granted_sum'],
    counted: row?.['counted'] === row?.['counted_sum']
  }
}

/** Takes the tables as they are for the newest. */
export function resetDigests(database: Database): void {
  database
    .query(`INSERT INTO commits (only, count, checksum, granted, counted)
      VALUES (1, 0, ${sealOfCount(0)}, ${digestOf('granted')}, ${digestOf('counted')})
      ON CONFLICT DO UPDATE SET granted = excluded.granted, counted = excluded.counted`)
    .run()
}
