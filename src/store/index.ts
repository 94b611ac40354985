import { join } from 'node:path'
import type { Clock, Log, Store } from '../mesh/ports.ts'
import { Database } from './database.ts'
import { openDirectory } from './directory.ts'
import { hasWitness, openEpoch, removeWitness } from './epoch.ts'
import { Inbox } from './inbox.ts'
import { Outbox } from './outbox.ts'
import { Routes } from './routes.ts'
import { Trust } from './trust.ts'
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
    const epoch = openEpoch({ directory, database, values, log })
    const routes = new Routes({ directory, log })
    return {
      epoch,
      outbox: new Outbox({ database, epoch }),
      inbox: new Inbox({ database, clock }),
      trust: new Trust({ database, log }),
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
        database.close()
      }
    }
  } catch (error) {
    database.close()
    throw error
  }
}
