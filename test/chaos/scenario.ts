import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../../scripts/fuzz/random.ts'
import { createSandbox, type Sandbox } from '../host/harness/sandbox.ts'
import { bundlePrograms, type Programs } from './bundle.ts'
import { check, holds, type Verdict } from './checker.ts'
import { Journal, readJournal } from './journal.ts'
import type { Plant } from './plants.ts'

export interface Chaos {
  readonly rounds: number
  /** Every choice of the scenario comes from here. */
  readonly random: Random
  readonly sandbox: Sandbox
  readonly programs: Programs
  readonly journal: Journal
  /** Nothing went on for so long although something is still to come: it will not come. */
  readonly patienceMs: number
  /** A line for people. */
  say(line: string): void
}

export interface Scenario {
  name: string
  /** For the list of scenarios. */
  what: string
  /** Where nobody says how many. CI has time for a share of them. */
  rounds: number
  /** Why it cannot run on this machine. */
  skip?(): string | undefined
  /** Writes the journal; throws where the tested programs do not go on, or say what is not true. */
  run(chaos: Chaos): Promise<void>
}

/** Pauses between dials are shorter, also on a machine with other work. */
const PATIENCE_MS = 180_000

export interface RunInit {
  rounds: number
  seed: number
  plant?: Plant
  /** @default PATIENCE_MS */
  patienceMs?: number
  say?: (line: string) => void
}

export interface Outcome {
  /** What `npm run chaos` prints. */
  line: Record<string, string | number>
  verdict: Verdict
  /** Everything promised was kept, and nothing else went wrong. */
  good: boolean
  /** What the scenario itself complained about. */
  failure?: Error
}

/** Runs a scenario over programs of its own and judges its journal. */
export async function runScenario(
  scenario: Scenario,
  { rounds, seed, plant, patienceMs = PATIENCE_MS, say = () => {} }: RunInit
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'chaos-'))
  try {
    const programs = await bundlePrograms(folder, plant)
    const path = join(folder, 'journal')
    let failure: Error | undefined
    {
      using journal = new Journal(path)
      await using sandbox = await createSandbox('chaos')
      const random = new Random({ seed })
      try {
        await scenario.run({ rounds, random, sandbox, programs, journal, patienceMs, say })
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error))
      }
    }
    const verdict = check(readJournal(path))
    for (const problem of verdict.problems) say(problem)
    if (failure !== undefined) say(`${scenario.name} did not come to its end: ${failure.stack}`)
    const { accepted, lost, duplicated, outOfOrder, unknown, forged } = verdict
    const counts = { accepted, lost, duplicated, outOfOrder, unknown }
    return {
      line: { scenario: scenario.name, rounds, ...counts, seed, ...(forged > 0 && { forged }) },
      verdict,
      good: holds(verdict) && failure === undefined && accepted > 0,
      ...(failure !== undefined && { failure })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
