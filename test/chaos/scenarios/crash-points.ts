import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../scripts/fuzz/random.ts'
import { withPair } from '../pair.ts'
import type { Scenario } from '../scenario.ts'
import { CRASH_POINTS } from '../seams/told.ts'

const TIMES_EACH = 5

/** A point is passed so many times at most before it kills: by then several messages are under way. */
const TIME_MAX = 6

export const crashPoints: Scenario = {
  name: 'crash-points',
  what: `R-02: a node kills itself at each of ${CRASH_POINTS.length} points between a read and a receipt, while both talk`,
  rounds: CRASH_POINTS.length * TIMES_EACH,
  async run(chaos) {
    const { random, rounds, patienceMs } = chaos
    await withPair(chaos, async pair => {
      for (const point of shuffled(rounds, random)) {
        const victim = random.oneOf(pair)
        await victim.end('SIGKILL')
        victim.told = { crash: { point, time: 1 + random.below(TIME_MAX) } }
        await victim.start()
        // With traffic both ways every point comes at once.
        const how = await Promise.race([victim.end(), sleep(patienceMs, 'alive', { ref: false })])
        if (how !== 'SIGKILL') throw new Error(`${victim.name} is ${how} before ${point}`)
        victim.told = {}
        await victim.start()
      }
    })
  }
}

/** Every point as often as the others, in an order of chance. */
function shuffled(rounds: number, random: Random) {
  return Array.from({ length: rounds }, (_, round) => CRASH_POINTS[round % CRASH_POINTS.length] ?? CRASH_POINTS[0])
    .map(point => ({ point, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ point }) => point)
}
