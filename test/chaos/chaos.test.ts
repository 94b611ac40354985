import { expect, it } from 'vitest'
import { runScenario } from './scenario.ts'
import { scenarioOf } from './scenarios.ts'
import { CRASH_POINTS } from './seams/told.ts'

/** With a core to itself none takes three minutes; beside other work one may take several times as long. */
const long = { timeout: 900_000 }

/** These wait most of the time. */
const together = { ...long, concurrent: true }

/** As `npm run chaos` runs it, with the share of its rounds that CI has time for, with another seed each time: what fails names the one that fails. */
async function kept(name: string, rounds: number): Promise<void> {
  const said: string[] = []
  const seed = Date.now() % 2 ** 32
  const { line, good } = await runScenario(scenarioOf(name), { rounds, seed, say: text => said.push(text) })
  console.info(JSON.stringify(line))
  expect(good, `${JSON.stringify(line)}\n${said.join('\n')}`).toBe(true)
  expect(line).toMatchObject({ rounds, lost: 0, duplicated: 0, outOfOrder: 0 })
}

it('R-01: a process that commits and prints ids is killed 1,000 times, and every printed id is there', long, () =>
  kept('store-kill', 1_000)
)

it(
  'R-02 R-03: either or both of two nodes that talk are killed 100 times: nothing is lost, and shown once and in order',
  long,
  () => kept('two-sided', 100)
)

it(
  'R-02: a node that kills itself at any of its crash points, twice each, loses nothing and shows nothing twice unmarked',
  long,
  () => kept('crash-points', 2 * CRASH_POINTS.length)
)

it('R-23: 100 random histories of three meshes add up', long, () => kept('histories', 100))

it('R-07: frames that are repeated, swapped and brought again later are shown once and in order', together, () =>
  kept('duplicates', 8)
)

it(
  'R-06: delay, a low rate, halts, cuts, resets and a half-open connection lose nothing and change no order',
  together,
  () => kept('slow', 7)
)

it('R-20: displays that hang, throw or come late hold up no other conversation, and nothing is lost', together, () =>
  kept('stuck', 6)
)
