import { expect, it } from 'vitest'
import { PLANT_PATIENCE_MS, PLANTS } from './plants.ts'
import { runScenario } from './scenario.ts'
import { scenarioOf } from './scenarios.ts'

const RUN_MAX_MS = 600_000

for (const [name, plant] of Object.entries(PLANTS))
  it(`the checker notices a planted bug: ${name}`, { timeout: RUN_MAX_MS }, async () => {
    const { scenario, rounds, breaks } = plant
    const { line, failure } = await runScenario(scenarioOf(scenario), {
      rounds,
      seed: 1,
      plant,
      patienceMs: PLANT_PATIENCE_MS
    })
    expect(line[breaks], `${JSON.stringify(line)} ${failure?.stack ?? ''}`).toBeGreaterThan(0)
  })
