import { join } from 'node:path'
import type { Clock, Log, Store } from '../mesh/ports.ts'
import { Contacts } from './contacts.ts'
import { Database } from './database.ts'
import { openDirectory } from './directory.ts'
import { hasWitness, openEpoch, removeWitness } from './epoch.ts'
import { Inbox } from './inbox.ts'
import { Notices } from './notices.ts'
import { Outbox } from './outbox.ts'
import { Routes } from './routes.ts'
import { Tickets } from './tickets.ts'
import { Trust } from './trust.ts'
import { Turns } from './turns.ts'
import { Values } from './values.ts'

export { openKeyFile } from './key-file.ts'
export { acquireLock, type Lock } from './lock.ts'
export { signerOf } from './signer.ts'
export { prepareSocketPath } from './socket-path.ts'

const DATABASE_NAME = 'mesh.sqlite'

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
  const database = new Database(join(directory, DATABASE_NAME), {
    used: hasWitness(directory),
    onRestored: () => removeWitness(directory)
  })
  try {
    const values = new Values({ database })
    const witnessed = openEpoch({ directory, database, values, log })
    const { value: epoch, revoking } = witnessed
    const routes = new Routes({ directory, log })
    let closed = false
    const notices = new Notices({ database })
    const onSuspended = (count: number): void => {
      notices.add({ atMs: clock.wallMs(), subject: 'restored', text: suspendedText(count) })
    }
    return {
      epoch,
      outbox: new Outbox({ database, epoch }),
      inbox: new Inbox({ database, clock }),
      trust: new Trust({ database, values, epoch, revoking, onSuspended, log }),
      tickets: new Tickets({ database, epoch, revoking, log }),
      contacts: new Contacts({ database, epoch, log }),
      turns: new Turns({ database }),
      notices,
      routes,
      transaction: work => database.transaction(work),
      value: key => values.get(key),
      setValue: (key, value) => values.set(key, value),
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
      }
    }
  } catch (error) {
    database.close()
    throw error
  }
}

function suspendedText(count: number): string {
  const who = count === 1 ? 'the one peer that it lets in waits' : `the ${count} peers that it lets in wait`
  return `The data of this instance came from an older copy, and ${who} until you approve again: it does not know whom you shut out since.`
}
