import { execFile, spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from './temporary.ts'

const PROMISER = fileURLToPath(new URL('promiser.ts', import.meta.url))

/** Of each kind: accepted messages, and receipts. */
const PROMISES = 500
const PLANTED = 20

/** Every system call of the promiser stops it, and every promise is synced: seconds on an idle machine with a quick disk. */
const LONG_MS = 300_000

/** A page of the database, and room for what strace puts around it. */
const SHOWN_BYTES = 4_200

const CALLS = 'write,pwrite64,writev,pwritev,fsync,fdatasync'

/** Elsewhere the order of system calls cannot be seen; what it rests on is looked at in `database.test.ts`. */
const mayTrace = spawnSync('strace', ['-o', '/dev/null', '-e', 'trace=fsync', 'true']).status === 0

interface Verdict {
  kept: number
  broken: string[]
}

/** Runs the promiser under strace, and holds each promise against what was on the disk by then. */
async function judged(count: number, plant: string[] = []): Promise<Verdict> {
  const dir = temporaryDirectory()
  const [trace, promises] = [join(dir, 'trace'), join(dir, 'promises')]
  const program = [
    process.execPath,
    '--experimental-transform-types',
    PROMISER,
    join(dir, 'state'),
    promises,
    String(count),
    ...plant
  ]
  await promisify(execFile)('strace', [
    '-f',
    '-y',
    '-s',
    String(SHOWN_BYTES),
    '-e',
    `trace=${CALLS}`,
    '-o',
    trace,
    ...program
  ])
  return await verdictOf(trace)
}

/**
 * A promise is kept when its id was written to the log of the database and the log was synced after that, with nothing written to it since. A sync
 * counts when it has come back without an error; a write, of the log and of a promise, when it begins.
 */
async function verdictOf(trace: string): Promise<Verdict> {
  const unsynced: string[] = []
  const durable = new Set<string>()
  const syncing = new Set<string>()
  const verdict: Verdict = { kept: 0, broken: [] }
  for await (const line of createInterface({ input: createReadStream(trace, 'latin1') })) {
    const [, thread = '', call = ''] = /^(\d+) +(.*)$/s.exec(line) ?? []
    const [, name = '', path = ''] = /^(\w+)\(\d+<([^>]*)>/.exec(call) ?? []
    const isLog = path.endsWith('/mesh.sqlite-wal')
    if (isLog && name.includes('write')) unsynced.push(...idsIn(call))
    else if (isLog && call.includes('<unfinished')) syncing.add(thread)
    else if ((isLog || (/resumed>/.test(call) && syncing.delete(thread))) && / = 0$/.test(call)) {
      for (const id of unsynced.splice(0)) durable.add(id)
    } else if (path.endsWith('/promises')) {
      const [promise = '', , id = ''] = /(accepted|received) ([0-9a-f]{32})/.exec(call) ?? []
      if (durable.has(id) && unsynced.length === 0) verdict.kept++
      else verdict.broken.push(promise)
    }
  }
  return verdict
}

/** With what only looks like one: digits may stand before an id. Never empty, as every write counts. */
function idsIn(call: string): string[] {
  return [...call.matchAll(/(?=([0-9a-f]{32}))/g)].map(([, id = '']) => id).concat('')
}

describe.skipIf(!mayTrace)('power loss, where strace may trace', () => {
  it(`R-04: of ${2 * PROMISES} ids and receipts none leaves before its row is synced`, {
    timeout: LONG_MS
  }, async () => {
    expect(await judged(PROMISES)).toEqual({ kept: 2 * PROMISES, broken: [] })
  })

  it('R-04: a promise before the commit is noticed', async () => {
    const { kept, broken } = await judged(PLANTED, ['early'])
    expect([kept, broken.length]).toEqual([0, 2 * PLANTED])
  })

  it('R-04: a commit that is not synced is noticed', async () => {
    const { kept, broken } = await judged(PLANTED, ['lazy'])
    expect(kept + broken.length).toBe(2 * PLANTED)
    expect(broken.length).toBeGreaterThan(PLANTED)
  })
})
