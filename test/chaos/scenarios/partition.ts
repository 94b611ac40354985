import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Lab, type Machine } from '../../nat/lab.ts'
import type { Pair } from '../pair.ts'
import type { Scenario } from '../scenario.ts'
import { Stage } from '../stage.ts'
import { Traffic } from '../traffic.ts'

const PER_SECOND = 20

/** How long a trouble lasts, ms. */
const CUT_MIN_MS = 500
const CUT_MAX_MS = 4_000
const WELL_MS = 1_500

/** Of all packets, in the rounds with loss. */
const LOSS = '0.2'

/** What the network between two machines does until it is mended. */
type Trouble = (one: Machine, other: Machine, pair: Pair) => void | Promise<void>

const drop = (at: Machine, from: Machine, ...match: string[]): void =>
  void at.run('iptables', '-A', 'INPUT', '-s', from.address, ...match, '-j', 'DROP')

const TROUBLES: Record<string, Trouble> = {
  'both ways': (one, other) => {
    drop(one, other)
    drop(other, one)
  },
  'one way': (one, other) => drop(one, other),
  loss: (one, other) => {
    for (const [at, from] of [
      [one, other],
      [other, one]
    ] as const)
      drop(at, from, '-m', 'statistic', '--mode', 'random', '--probability', LOSS)
  },
  pause: (_one, _other, [alpha]) => alpha.pause('SIGSTOP')
}

export const partition: Scenario = {
  name: 'partition',
  what: 'R-05 R-06: two machines in namespaces: packets are dropped both ways, one way or by chance, and a process is paused',
  rounds: 12,
  skip() {
    if (process.getuid?.() !== 0) return 'it makes network namespaces and needs root'
    const missing = ['ip', 'iptables'].find(program => spawnSync(program, ['--version']).error !== undefined)
    return missing === undefined ? undefined : `it needs ${missing}`
  },
  async run(chaos) {
    const { random, rounds, say } = chaos
    await using lab = await Lab.create(2)
    const machines = [lab.machine(1), lab.machine(2)] as const
    const stage = new Stage(chaos)
    const pair = [
      await stage.node('alpha', { host: machines[0].address }),
      await stage.node('beta', { host: machines[1].address })
    ] as const
    for (const [index, node] of pair.entries()) node.inside = machines[index]?.inside ?? []
    await stage.join(...pair)
    using traffic = new Traffic({ stage, pair }, { perSecond: PER_SECOND })
    const names = Object.keys(TROUBLES)
    for (let round = 0; round < rounds; round++) {
      const name = names[round % names.length] ?? ''
      const cutMs = CUT_MIN_MS + random.below(CUT_MAX_MS - CUT_MIN_MS)
      say(`${name}, ${cutMs} ms`)
      await TROUBLES[name]?.(...machines, pair)
      await sleep(cutMs)
      for (const machine of machines) machine.run('iptables', '-F', 'INPUT')
      await pair[0].pause('SIGCONT')
      await sleep(WELL_MS)
    }
    await traffic.stop()
    await stage.drain().catch(async error => {
      throw new Error(`${error.message}\n${await stage.describe()}`, { cause: error })
    })
    await stage.end()
  }
}
