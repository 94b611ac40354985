import { join } from 'node:path'
import { MeshError } from '../mesh/errors.ts'
import type { Clock, Log, Store } from '../mesh/ports.ts'
import { Aftermath } from './aftermath.ts'
import { CommitCount } from './commit-count.ts'
import { Contacts } from './contacts.ts'
import { Database } from './database.ts'
import { compareDigests, resetDigests } from './digests.ts'
import { openDirectory } from './directory.ts'
import { endedClean, hasWitness, openEpoch, removeWitness } from './epoch.ts'
import { Inbox } from './inbox.ts'
import { inspect } from './inspection.ts'
import { lostMessage } from './lost.ts'
import { Notices } from './notices.ts'
import { Outbox } from './outbox.ts'
import { Quarantine } from './quarantine.ts'
import { Routes } from './routes.ts'
import { makeSound } from './soundness.ts'
import { Tickets } from './tickets.ts'
import { Trust } from './trust.ts'
import { Turns } from './turns.ts'
import { Values } from './values.ts'

export { FULL_TEXT, isDiskFull } from './disk.ts'
export { openKeyFile } from './key-file.ts'
export { acquireLock, type Lock } from './lock.ts'
export { signerOf } from './signer.ts'
export { prepareSocketPath } from './socket-path.ts'

const DATABASE_NAME = 'mesh.sqlite'

const COUNT_NAME = 'commits'

export interface StoreComponents {
  /** The state directory; the store keeps to `libp2p` below it, and makes both where missing. */
  dir: string
  log: Log
  clock: Clock
}

/**
 * Opens the memory of one instance: `mesh.sqlite` and `instance-peer.json`. The caller holds the lock of the directory
 * (`acquireLock`).
 *
 * @throws MeshError `store_failed`
 */
export function openStore({ dir, log, clock }: StoreComponents): Store {
  const directory = openDirectory(dir, { log })
  const count = openCount(directory)
  let database: Database
  try {
    const used = hasWitness(directory)
    inspect({ directory, name: DATABASE_NAME, count, used, log })
    database = new Database(join(directory, DATABASE_NAME), { used, onRestored: () => removeWitness(directory), count })
  } catch (error) {
    count.close()
    throw error
  }
  try {
    const tell = (subject: string, text: string): void => {
      notices.add({ atMs: clock.wallMs(), subject, text })
    }
    const quarantine = new Quarantine({ database, clock, log }, { tell: text => tell('damaged', text) })
    const notices = new Notices({ database, quarantine })
    const newest = compareDigests(database)
    const meta = database.query('SELECT value FROM meta WHERE key = :key')
    const clean = endedClean(directory, key => meta.get({ key })?.['value']?.toString())
    const losses = makeSound({ database, quarantine, clean, log })
    quarantine.prune()
    const values = new Values({ database, quarantine })
    const miscounted = !newest.counted || losses.tables.has('sequences')
    const witnessed = openEpoch({ directory, database, values, older: !newest.granted, miscounted, log })
    const { value: epoch, revoking } = witnessed
    count.begin(epoch)
    // Not before the new epoch stands: it is what keeps everybody waiting.
    if (!newest.granted || !newest.counted) resetDigests(database)
    // The epoch is in the file itself now: a log that vanishes cannot make it an older one.
    database.checkpoint()
    const routes = new Routes({ directory, log })
    const outbox = new Outbox({ database, quarantine, epoch })
    if (outbox.recount()) log.warn('what waits was counted anew')
    const inbox = new Inbox({ database, quarantine, clock })
    if (inbox.recount()) log.warn('what is kept was counted anew')
    if (losses.tables.has('windows')) inbox.rebuildWindows()
    let lost = losses.outbox.map(lostMessage).filter(row => row !== undefined)
    const onSuspended = (count: number): void => tell('restored', suspendedText(count))
    let closed = false
    return {
      epoch,
      outbox,
      aftermath: new Aftermath({ database, quarantine }),
      inbox,
      trust: new Trust({ database, quarantine, values, nameless: losses.nameless, epoch, revoking, onSuspended, log }),
      tickets: new Tickets({ database, quarantine, epoch, revoking, log }),
      contacts: new Contacts({ database, quarantine, epoch, log }),
      turns: new Turns({ database, quarantine }),
      notices,
      routes,
      transaction: work => database.transaction(work),
      value: key => values.get(key),
      setValue: (key, value) => values.set(key, value),
      prune: () => quarantine.prune(),
      takeLost: () => {
        const rows = lost
        lost = []
        return rows
      },
      issues: () => [...database.issues(), ...quarantine.issues()],
      close: async () => {
        try {
          await routes.close()
        } catch (error) {
          log.warn('routes were not saved', { error: String(error) })
        }
        if (closed) return
        closed = true
        witnessed.close()
        database.close()
        count.close()
      }
    }
  } catch (error) {
    database.close()
    count.close()
    throw error
  }
}

function openCount(directory: string): CommitCount {
  const path = join(directory, COUNT_NAME)
  try {
    return new CommitCount(path)
  } catch (cause) {
    throw new MeshError('store_failed', { detail: `cannot open ${path}`, cause })
  }
}

function suspendedText(count: number): string {
  const who = count === 1 ? 'the one peer that it lets in waits' : `the ${count} peers that it lets in wait`
  return `The data of this instance came from an older copy, and ${who} until you approve again: it does not know whom you shut out since.`
}
