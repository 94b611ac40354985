import type { Scenario } from './scenario.ts'
import { clock } from './scenarios/clock.ts'
import { crashPoints } from './scenarios/crash-points.ts'
import { duplicates } from './scenarios/duplicates.ts'
import { histories } from './scenarios/histories.ts'
import { partition } from './scenarios/partition.ts'
import { slow } from './scenarios/slow.ts'
import { storeKill } from './scenarios/store-kill.ts'
import { storm } from './scenarios/storm.ts'
import { stuck } from './scenarios/stuck.ts'
import { twoSided } from './scenarios/two-sided.ts'

/** Those that CI runs come first. */
export const SCENARIOS: readonly Scenario[] = [
  storeKill,
  twoSided,
  crashPoints,
  histories,
  duplicates,
  slow,
  stuck,
  clock,
  storm,
  partition
]

export function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find(one => one.name === name)
  if (scenario === undefined)
    throw new Error(`no scenario "${name}"; there are ${SCENARIOS.map(one => one.name).join(', ')}`)
  return scenario
}
