import { createInterface } from 'node:readline'
import { acquireLock, type Lock } from '../../src/store/index.ts'

/** A process that takes and gives back the lock of a state directory (first argument) as it is told, one line each. */
const dir = process.argv[2] ?? ''
let lock: Lock | undefined

function take(): { won: boolean; error?: string; ms: number } {
  const start = performance.now()
  try {
    lock = acquireLock(dir, { program: 'contender' })
    return { won: true, ms: performance.now() - start }
  } catch (error) {
    return { won: false, error: String(error), ms: performance.now() - start }
  }
}

console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'take') console.log(JSON.stringify(take()))
  if (line === 'release') {
    lock?.release()
    console.log('released')
  }
}
