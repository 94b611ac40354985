import { setTimeout as sleep } from 'node:timers/promises'
import { withPair } from '../pair.ts'
import type { Scenario } from '../scenario.ts'

/** How long one disorder lasts, ms. */
const ROUND_MS = 1_000

/** A node comes back, with another disorder, after so many rounds: what it remembers has to come from its disk. */
const RESTART_EVERY = 4

export const duplicates: Scenario = {
  name: 'duplicates',
  what: 'R-07: frames that arrive are repeated, change places, and come again much later',
  rounds: 20,
  async run(chaos) {
    const { random, rounds } = chaos
    await withPair(
      chaos,
      async pair => {
        for (let round = 1; round <= rounds; round++) {
          await sleep(ROUND_MS)
          if (round % RESTART_EVERY !== 0) continue
          const node = random.oneOf(pair)
          await node.end('SIGKILL')
          node.told = { disorder: random.next() }
          await node.start()
        }
      },
      {
        prepare: pair => {
          for (const node of pair) node.told = { disorder: random.next() }
        }
      }
    )
  }
}
