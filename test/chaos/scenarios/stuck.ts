import { setTimeout as sleep } from 'node:timers/promises'
import { conversationId } from '../journal.ts'
import { withPair } from '../pair.ts'
import type { Scenario } from '../scenario.ts'

/** Beside the conversations of the traffic, which go on. */
const HANGS = 10
const THROWS = 11
const LATE = 12
const WELL = 13

/** How long a display may take, ms. */
const DISPLAY_MS = 1_000

const ROUND_MS = 200

/** Longest that a text of the others may take to its receipt, ms: on a machine with other work, and not on the one that the figure is for. */
const RECEIVED_MAX_MS = 15_000

export const stuck: Scenario = {
  name: 'stuck',
  what: 'R-20: a display hangs, throws or comes late in some conversations; the others do not notice',
  rounds: 20,
  async run(chaos) {
    const { rounds, say } = chaos
    const slowest: number[] = []
    await withPair(
      chaos,
      async ([alpha, beta], stage) => {
        for (let round = 0; round < rounds; round++) {
          for (const conversation of [HANGS, THROWS, LATE]) await stage.send(alpha, beta, conversation)
          const startMs = performance.now()
          const sent = await stage.send(alpha, beta, WELL, RECEIVED_MAX_MS)
          if (sent?.level === 'pending') throw new Error(`a text was not received within ${RECEIVED_MAX_MS} ms`)
          slowest.push(performance.now() - startMs)
          await sleep(ROUND_MS)
        }
      },
      {
        // What a display did with such a text nobody can know; its sender is told so.
        honestEnds: ['failed'],
        prepare: ([, beta]) => {
          beta.settings = { deliveryAckTimeoutMs: DISPLAY_MS }
          beta.told = {
            display: {
              [conversationId(HANGS)]: 'hang',
              [conversationId(THROWS)]: 'throw',
              [conversationId(LATE)]: 'late'
            }
          }
        }
      }
    )
    say(`received after ${Math.round(Math.max(...slowest))} ms at most, of ${slowest.length}`)
  }
}
