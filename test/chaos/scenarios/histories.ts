import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Entry } from '../journal.ts'
import type { Chaos, Scenario } from '../scenario.ts'

const STEPS = 50

/** Processes side by side: as many as the smallest machine has cores. */
const LANES = 2

export const histories: Scenario = {
  name: 'histories',
  what: `R-23: random histories of three meshes, ${STEPS} steps each: send, kill, stop, start, cut, shut out, set clocks, fill disks, forge`,
  rounds: 100,
  async run(chaos) {
    const seed = chaos.random.next()
    const share = Math.ceil(chaos.rounds / LANES)
    const firsts = Array.from({ length: LANES }, (_, lane) => lane * share)
    await Promise.all(firsts.map(first => play(chaos, { seed, first, count: Math.min(share, chaos.rounds - first) })))
  }
}

/** What a process of its own printed is journalled, also what it said before it failed. */
async function play(
  { sandbox, programs, journal }: Chaos,
  { seed, first, count }: { seed: number; first: number; count: number }
): Promise<void> {
  if (count <= 0) return
  const home = await sandbox.folder('home')
  const words = [programs.histories, ...[seed, first, count, STEPS].map(String)]
  const child = sandbox.spawn(process.execPath, words, { cwd: home, env: { HOME: home } })
  if (child.stdout === null || child.stderr === null) throw new Error('no pipe to the histories')
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    complaints += part
  })
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line => journal.write(JSON.parse(line) as Entry))
  const [[code, signal]] = await Promise.all([once(child, 'close'), once(lines, 'close')])
  if (code !== 0) throw new Error(`the histories from ${first} on ended with ${code ?? signal}: ${complaints}`)
}
