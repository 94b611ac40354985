import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../../../scripts/fuzz/random.ts'
import { withPair } from '../pair.ts'
import type { Scenario } from '../scenario.ts'

/** A node lives at most so long after it was ready, ms. */
const LIFE_MAX_MS = 600

/** One in so many kills is followed by one that meets a node which only just starts. */
const EARLY_EVERY = 4
const EARLY_MAX_MS = 600

/** Pairs side by side: as many as the smallest machine has cores. */
const PAIRS = 2

export const twoSided: Scenario = {
  name: 'two-sided',
  what: 'R-02 R-03: two nodes talk over libp2p, 20 texts a second, and either or both are killed at random',
  rounds: 200,
  async run(chaos) {
    const killPair = (number: number, rounds: number, random: Random): Promise<void> =>
      withPair(
        chaos,
        async pair => {
          for (let round = 0; round < rounds; round++) {
            const victims = random.oneOf([[pair[0]], [pair[1]], pair])
            const early = random.below(EARLY_EVERY) === 0
            const earlyMs = random.below(EARLY_MAX_MS)
            await sleep(random.below(LIFE_MAX_MS))
            await Promise.all(victims.map(node => node.end('SIGKILL')))
            const starts = victims.map(node => node.start())
            if (early) {
              // These die a second time, wherever their start has got to.
              await sleep(earlyMs)
              await Promise.all(victims.map(node => node.end('SIGKILL')))
              await Promise.all(starts)
              await Promise.all(victims.map(node => node.start()))
            } else await Promise.all(starts)
          }
        },
        { names: [`alpha-${number}`, `beta-${number}`] }
      )
    const shares = Array.from({ length: PAIRS }, (_, pair) => Math.floor((chaos.rounds + pair) / PAIRS))
    // Choices of their own: whichever pair is quicker, the other's stay the same.
    const randoms = shares.map(() => new Random({ seed: chaos.random.next() }))
    await Promise.all(shares.map((rounds, number) => killPair(number, rounds, randoms[number] ?? chaos.random)))
  }
}
