import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openStore } from '../../src/store/index.ts'
import { ALICE, BOB, CONVERSATION, EPOCH, idOf, inboxRow, outboxRow } from '../contract/store-rows.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

const COMMITTER = fileURLToPath(new URL('committer.ts', import.meta.url))
const ROUNDS = 20

/** Kills are spread over this time after the first commit, so that they meet every part of one. */
const STEP_MS = 3

/** Runs the committer, kills it, and returns the last seq that it printed. */
async function killedAfter(dir: string, delayMs: number): Promise<number> {
  const child = spawn(process.execPath, [COMMITTER, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (output === '') setTimeout(() => child.kill('SIGKILL'), delayMs)
    output += text
  })
  const [, signal] = await once(child, 'close')
  expect(signal).toBe('SIGKILL')
  // A line that the kill cut in half is no promise.
  const lines = output.split('\n').slice(0, -1)
  return Number(lines.at(-1))
}

it(`R-01: loses nothing that was committed, in ${ROUNDS} kills`, { timeout: 120_000 }, async () => {
  const dir = temporaryDirectory()
  let epoch: string | undefined
  for (let round = 0; round < ROUNDS; round++) {
    const promised = await killedAfter(dir, round * STEP_MS)
    const log = recordingLog()
    const store = openStore({ dir, log, clock })
    const label = `round ${round}, promised ${promised}`
    const last = store.outbox.lastSeq(ALICE, CONVERSATION)
    expect(last, label).toBeGreaterThanOrEqual(promised)
    // What was committed and not yet printed is whole too: both boxes agree.
    expect(store.inbox.nextSeq(BOB, EPOCH, CONVERSATION), label).toBe(last + 1)
    const seqs = Array.from({ length: last }, (_, index) => index + 1)
    expect(store.outbox.queued(ALICE, last + 1), label).toStrictEqual(seqs.map(seq => outboxRow(seq)))
    expect(store.outbox.load(ALICE).entries, label).toBe(last)
    expect(store.inbox.get(BOB, idOf(last)), label).toStrictEqual(inboxRow(last, { instance: BOB, state: 'done' }))
    expect(store.epoch, label).toBe(epoch ?? store.epoch)
    expect(log.lines, label).toEqual([])
    epoch = store.epoch
    await store.close()
  }
})
