import { once } from 'node:events'
import { Random } from '../../../scripts/fuzz/random.ts'
import { systemClock } from '../../../src/engine/clock.ts'
import { openStore } from '../../../src/store/index.ts'
import { ALICE, BOB, CONVERSATION, EPOCH } from '../../contract/store-rows.ts'
import type { Text } from '../journal.ts'
import type { Chaos, Scenario } from '../scenario.ts'

/** Kills are spread over this time, so that they meet every part of a commit. */
const KILL_MAX_MS = 60

/** One in so many kills counts from the start of the process, and meets the recovery from the last one. */
const EARLY_EVERY = 4

/** Two directories, each with a process that dies and comes back: as many as the smallest machine has cores. */
const LANES = 2

/** Rows read at once when everything is looked at in the end. */
const READ_ROWS = 10_000

export const storeKill: Scenario = {
  name: 'store-kill',
  what: 'R-01: a process that commits rows and prints their ids is killed, again and again; every printed id is there in the end',
  rounds: 1_000,
  async run(chaos) {
    const shares = Array.from({ length: LANES }, (_, lane) => Math.floor((chaos.rounds + lane) / LANES))
    const lanes = shares.map(() => ({ ...chaos, random: new Random({ seed: chaos.random.next() }) }))
    await Promise.all(lanes.map((own, lane) => killAgainAndAgain(own, lane, shares[lane] ?? 0)))
  }
}

async function killAgainAndAgain(chaos: Chaos, lane: number, rounds: number): Promise<void> {
  const { journal, random, sandbox } = chaos
  const to = `directory-${lane}`
  const dir = await sandbox.folder(to)
  const texts = new Map<string, Text>()
  for (let round = 0; round < rounds; round++) {
    const early = random.below(EARLY_EVERY) === 0
    const delayMs = random.below(KILL_MAX_MS)
    for (const { what, id } of await killed(chaos, dir, { early, delayMs })) {
      const text = texts.get(id) ?? { from: 'committer', to, conversation: lane, number: texts.size }
      texts.set(id, text)
      journal.write(what === 'asked' ? { what, ...text } : { what: 'accepted', id, ...text })
    }
  }
  await readBack(chaos, dir, texts)
}

/** Everything that is in the store in the end, in its order; what is in one box and not in the other is no whole commit. */
async function readBack({ journal, say }: Chaos, dir: string, texts: Map<string, Text>): Promise<void> {
  const complain = (message: string): never => {
    throw new Error(`the store complains: ${message}`)
  }
  const log = { debug() {}, info() {}, warn: complain, error: complain }
  const store = openStore({ dir, log, clock: systemClock() })
  let count = 0
  let after: string | undefined
  for (;;) {
    const rows = store.outbox.queued(ALICE, READ_ROWS, after)
    for (const { id, seq } of rows) {
      const text = texts.get(id)
      const twin = store.inbox.get(BOB, id)
      if (text === undefined) journal.write({ what: 'forged', text: `row ${id}` })
      else if (twin?.seq === seq && twin.state === 'done') journal.write({ what: 'shown', again: false, ...text })
    }
    count += rows.length
    after = rows.at(-1)?.id
    if (rows.length < READ_ROWS) break
  }
  const [last, next] = [store.outbox.lastSeq(ALICE, CONVERSATION), store.inbox.nextSeq(BOB, EPOCH, CONVERSATION)]
  const { entries } = store.outbox.load(ALICE)
  await store.close()
  if (last !== count || next !== count + 1 || entries !== count)
    throw new Error(`${count} rows, but the last is ${last}, ${next} comes next, and ${entries} wait`)
  say(`${count} rows in ${dir}`)
}

interface Line {
  what: string
  id: string
}

/** One life of the committer: what it printed until it was killed. */
async function killed(
  { sandbox, programs }: Chaos,
  dir: string,
  { early, delayMs }: { early: boolean; delayMs: number }
): Promise<Line[]> {
  const child = sandbox.spawn(process.execPath, [programs.committer, dir], { cwd: dir, env: { HOME: sandbox.root } })
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('no pipe to the committer')
  let output = ''
  let complaints = ''
  stderr.setEncoding('utf8').on('data', (part: string) => {
    complaints += part
  })
  const kill = (): void => void setTimeout(() => child.kill('SIGKILL'), delayMs)
  if (early) child.once('spawn', kill)
  stdout.setEncoding('utf8').on('data', (part: string) => {
    if (output === '' && !early) kill()
    output += part
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (signal !== 'SIGKILL' || complaints !== '')
    throw new Error(`the committer ended with ${code ?? signal}: ${complaints}`)
  // A line that the kill cut in half is no promise.
  return output
    .split('\n')
    .slice(0, -1)
    .map(line => {
      const [what = '', id = ''] = line.split(' ')
      return { what, id }
    })
}
