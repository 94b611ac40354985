import { writeSync } from 'node:fs'
import { Random } from '../../../scripts/fuzz/random.ts'
import { History } from './history.ts'

/** Plays histories and prints what was accepted and shown, a line each: `main SEED FIRST COUNT STEPS`. */
const [seed = 0, first = 0, count = 0, steps = 0] = process.argv.slice(2).map(Number)
for (let number = first; number < first + count; number++) {
  const history = new History(
    { random: new Random({ seed: seed + number }), write: entry => void writeSync(1, `${JSON.stringify(entry)}\n`) },
    { number }
  )
  await history.play(steps)
}
