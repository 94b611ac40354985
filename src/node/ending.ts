import type { Connection } from '@libp2p/interface'
import { withDeadline } from './deadline.ts'

/** A connection that does not close politely within this is cut. */
const CLOSE_MS = 2_000

/** Closes the connection, or cuts it where it does not close in time. Never rejects. */
export async function endConnection(connection: Connection): Promise<void> {
  try {
    await withDeadline(CLOSE_MS, signal => connection.close({ signal }))
  } catch (error) {
    connection.abort(error instanceof Error ? error : new Error('the connection did not close'))
  }
}
