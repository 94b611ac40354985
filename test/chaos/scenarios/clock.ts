import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosNode } from '../node.ts'
import { withPair } from '../pair.ts'
import type { Scenario } from '../scenario.ts'

/** Where Debian and Ubuntu put it. */
const LIBRARY = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketime.so.1`

const JUMPS = ['-1d', '+1d', '+1h', '+10y', '+5m', '-5m']

/** How long a wrong time lasts, ms. */
const ROUND_MS = 2_000

export const clock: Scenario = {
  name: 'clock',
  what: 'R-12: the clock of one node or of both jumps by minutes, days and years, and back',
  rounds: 2 * JUMPS.length,
  skip: () => (existsSync(LIBRARY) ? undefined : 'it needs libfaketime (apt-get install libfaketime)'),
  async run(chaos) {
    const { random, rounds, sandbox, say } = chaos
    const fileOf = (node: ChaosNode): string => join(sandbox.root, `${node.name}.time`)
    const set = (node: ChaosNode, jump: string): void => {
      // Never half written: the library reads it at any moment.
      writeFileSync(`${fileOf(node)}.new`, jump)
      renameSync(`${fileOf(node)}.new`, fileOf(node))
    }
    await withPair(
      chaos,
      async pair => {
        for (let round = 0; round < rounds; round++) {
          const jump = JUMPS[round % JUMPS.length] ?? '+0'
          const who = random.oneOf([[pair[0]], [pair[1]], pair])
          say(`${who.map(({ name }) => name).join(' and ')}: ${jump}`)
          for (const node of who) set(node, jump)
          await sleep(ROUND_MS)
          for (const node of pair) set(node, '+0')
          await sleep(ROUND_MS)
        }
      },
      {
        // A peer whose clock says another day refuses, and says why.
        honestEnds: ['clock_skew', 'expired'],
        prepare: pair => {
          for (const node of pair) {
            set(node, '+0')
            node.env = {
              LD_PRELOAD: LIBRARY,
              FAKETIME_TIMESTAMP_FILE: fileOf(node),
              FAKETIME_NO_CACHE: '1',
              FAKETIME_DONT_FAKE_MONOTONIC: '1'
            }
          }
        }
      }
    )
  }
}
