import { parseArgs } from 'node:util'
import { PLANT_PATIENCE_MS, PLANTS } from '../test/chaos/plants.ts'
import { runScenario } from '../test/chaos/scenario.ts'
import { SCENARIOS } from '../test/chaos/scenarios.ts'

/**
 * `npm run chaos -- --scenario NAME|all [--rounds N] [--seed S] [--plant BUG] [--json]`: kills, cuts, delays and doubles, while journals outside the
 * tested processes say what was accepted and what was shown. Prints a line of JSON for each scenario; ends with 1 when a promise was broken. The seed
 * makes the same choices again, the timing of the processes stays their own. With `--plant` the sources have that bug, and the scenario has to notice.
 */

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'all' },
    rounds: { type: 'string' },
    seed: { type: 'string' },
    plant: { type: 'string' },
    json: { type: 'boolean', default: false }
  }
})

const print = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`)
const seed = whole(values.seed, Date.now() % 2 ** 32)
const plant = values.plant === undefined ? undefined : PLANTS[values.plant]
if (values.plant !== undefined && plant === undefined) refuse(`no bug "${values.plant}"; there are ${names(PLANTS)}`)
const chosen = SCENARIOS.filter(({ name }) =>
  plant === undefined || values.scenario !== 'all'
    ? values.scenario === 'all' || values.scenario === name
    : plant.scenario === name
)
if (chosen.length === 0)
  refuse(`no scenario "${values.scenario}"; there are all, ${SCENARIOS.map(({ name }) => name).join(', ')}`)

let good = true
for (const scenario of chosen) {
  const why = scenario.skip?.()
  if (why !== undefined) {
    print(`${scenario.name} is skipped: ${why}`)
    continue
  }
  const rounds = whole(values.rounds, plant?.rounds ?? scenario.rounds)
  print(`${scenario.name}, ${rounds} rounds, seed ${seed}${plant === undefined ? '' : `, with a bug: ${plant.what}`}`)
  const startMs = performance.now()
  const outcome = await runScenario(scenario, {
    rounds,
    seed,
    ...(plant !== undefined && { plant, patienceMs: PLANT_PATIENCE_MS }),
    say: print
  })
  print(`${scenario.name} took ${((performance.now() - startMs) / 1_000).toFixed(1)} s`)
  process.stdout.write(`${JSON.stringify(outcome.line)}\n`)
  good &&= outcome.good
}
process.exitCode = good ? 0 : 1

function whole(text: string | undefined, otherwise: number): number {
  const number = text === undefined ? otherwise : Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  return refuse(`"${text}" is no whole number`)
}

function names(of: object): string {
  return Object.keys(of).join(', ')
}

function refuse(why: string): never {
  console.error(why)
  process.exit(2)
}
