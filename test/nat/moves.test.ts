import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { setup as buildProgram } from '../integration/harness/built.ts'
import { carryTo } from './carry-to.ts'
import { Internet } from './internet.ts'
import { Lab } from './lab.ts'
import { Member } from './member.ts'
import { missing } from './missing.ts'
import type { Namespace } from './namespace.ts'
import { Relay } from './relay.ts'
import { pair, pathTo } from './run-row.ts'
import { Traffic } from './traffic.ts'
import { until } from './until.ts'

/** What is promised after a change of network, from the change to the link, and to the last message that waited. */
const LINKED_MAX_MS = 10_000
const FLUSHED_MAX_MS = 20_000

/** Messages each way that were sent in the moment of the change. */
const WAITING = 20

/** Longer than a silent connection is taken for alive, so that the other side has given it up. */
const SLEEP_MS = 32_000

/** A younger link could be one that both sides opened at once, and which of them stays is settled first. */
const SETTLED_MS = 10_500

const lacking = missing('iptables')

let ends: (() => PromiseLike<unknown>)[] = []

/** Both say something at once; how long it took until each reached the other again, and until all of it was shown. */
async function afterwards(a: Member, b: Member): Promise<{ linkedMs: number; flushedMs: number }> {
  const fromMs = performance.now()
  const ways = [new Traffic(a, b, 'afterwards'), new Traffic(b, a, 'afterwards')]
  for (let count = 0; count < WAITING; count++) for (const way of ways) await way.send()
  // A row of `peers` may still show the connection of before; the first message that comes through is the truth.
  const linkedMs = await until(
    () => 'link between them',
    60_000,
    () => (ways.every(({ delivered }) => delivered > 0) ? performance.now() - fromMs : undefined)
  )
  for (const way of ways) await way.settled()
  const flushedMs = performance.now() - fromMs
  expect(ways.map(({ delivered, twice }) => ({ delivered, twice }))).toEqual(
    ways.map(() => ({ delivered: WAITING, twice: 0 }))
  )
  return { linkedMs: Math.round(linkedMs), flushedMs: Math.round(flushedMs) }
}

function expectSoon(what: string, { linkedMs, flushedMs }: { linkedMs: number; flushedMs: number }): void {
  console.log(`${what}: the first message came after ${linkedMs} ms, all of them after ${flushedMs} ms`)
  expect(linkedMs).toBeLessThanOrEqual(LINKED_MAX_MS)
  expect(flushedMs).toBeLessThanOrEqual(FLUSHED_MAX_MS)
}

describe.skipIf(lacking !== undefined)('two nodes that are linked', () => {
  beforeAll(async () => {
    await buildProgram()
  })

  afterEach(async () => {
    for (const end of ends.reverse()) await end()
    ends = []
  })

  /** Through a relay, behind a router each. */
  async function apart(): Promise<{ internet: Internet; a: Member; b: Member; machine: Namespace }> {
    const internet = await Internet.create()
    ends.push(() => internet[Symbol.asyncDispose]())
    const relay = await Relay.create(internet.sandbox, internet.machine('relay'))
    const settings = { relayList: [await relay.start()], enableUPnP: false }
    const machine = (await internet.router('wifi', 'cone')).host('a')
    const other = (await internet.router('home', 'cone')).host('b')
    const a = await Member.create(internet.sandbox, { name: 'ana', machine, settings })
    const b = await Member.create(internet.sandbox, { name: 'bo', machine: other, settings })
    await pair(a, b, { relayed: true })
    await new Promise(resolve => setTimeout(resolve, SETTLED_MS))
    return { internet, a, b, machine }
  }

  it('R-14: one goes from Wi-Fi to another network, whose router is of another kind', async () => {
    const { internet, a, b, machine } = await apart()
    const lte = await internet.router('lte', 'symmetric')
    carryTo(machine, lte)
    expectSoon('to another network', await afterwards(a, b))
    expect(await pathTo(a, b)).toBe('relayed')
  }, 120_000)

  it('R-13: one sleeps for longer than the other takes it for alive, and wakes up in another network', async () => {
    const { internet, a, b, machine } = await apart()
    a.signal('SIGSTOP')
    await new Promise(resolve => setTimeout(resolve, SLEEP_MS))
    carryTo(machine, await internet.router('hotel', 'cone'))
    a.signal('SIGCONT')
    expectSoon('sleep', await afterwards(a, b))
  }, 180_000)

  it('R-14: one gets another address in the same network, without any relay', async () => {
    const lab = await Lab.create(2)
    ends.push(() => lab[Symbol.asyncDispose]())
    const [a, b] = await Promise.all(
      [1, 2].map(number => {
        const machine = lab.machine(number)
        machine.ip('route', 'add', '224.0.0.0/4', 'dev', 'v0')
        return Member.create(lab.sandbox, { name: `m${number}`, machine, settings: { enableUPnP: false } })
      })
    )
    if (a === undefined || b === undefined) throw new Error('no members')
    await pair(a, b, { relayed: false })
    await new Promise(resolve => setTimeout(resolve, SETTLED_MS))
    const machine = lab.machine(1)
    machine.ip('addr', 'flush', 'dev', 'v0')
    machine.ip('addr', 'add', '10.77.0.201/24', 'dev', 'v0')
    machine.ip('route', 'add', '224.0.0.0/4', 'dev', 'v0')
    expectSoon('another address', await afterwards(a, b))
    expect(await pathTo(a, b)).toBe('lan')
  }, 120_000)
})
