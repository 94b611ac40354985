import { parentPort, workerData } from 'node:worker_threads'
import { acquireLock } from '../../src/store/index.ts'

/** A thread that tries once to take the lock of the directory in `workerData` and tells how it went. */
try {
  acquireLock(workerData, { program: 'thread' }).release()
  parentPort?.postMessage('won')
} catch (error) {
  parentPort?.postMessage(String(error))
}
