import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControlClient } from '../../src/control/client.ts'
import type { Method, Params, Result } from '../../src/control/methods.ts'
import { connectControl, controlSocketPath } from '../../src/control/socket.ts'
import type { BareNode } from './harness/bare-node.ts'
import { createStage, type Stage } from './harness/stage.ts'

const CHATTER = fileURLToPath(new URL('harness/chatter.mjs', import.meta.url))

const TRACE_TURNS = 4
const PEER_TURNS = 12
const ALL_TURNS = 60
const HOUR_MS = 60 * 60 * 1000

/** A slow answer, ms: long beside everything else that happens between two messages. */
const SLOW_MS = 150

/** First words to each neighbour: more than one, because a crash may cost the turn that would have said the next. */
const FIRST_WORDS = 3

/** How long nothing must happen where something could, ms: many times what a message and its turn take. */
const QUIET_MS = 3_000

const WAIT = { timeout: 90_000, interval: 200 }

interface Turn {
  from: string
  text: string
}

/** Whom a node talks to. */
type Shape = (index: number, count: number) => number[]
const others: Shape = (index, count) => Array.from({ length: count }, (_, i) => i).filter(i => i !== index)
const spokes: Shape = (index, count) => (index === 0 ? others(0, count) : [0])
const next: Shape = (index, count) => [(index + 1) % count]

let stage: Stage

beforeEach(async () => {
  stage = await createStage()
})

afterEach(async () => {
  await stage?.[Symbol.asyncDispose]()
})

/** A node whose reply command always answers, and goes on to everybody that it talks to. */
class Chatter {
  readonly #name: string
  #node: BareNode | undefined
  #port = '0'
  #client: ControlClient | undefined

  constructor(name: string) {
    this.#name = name
  }

  get peer(): string {
    return this.#node?.peerId ?? ''
  }

  get addresses(): string[] {
    return this.#node?.addresses ?? []
  }

  /** @param bootstrapList where others are: a node that is killed soon after it met them may not have written that down yet */
  async start(bootstrapList: string[] = []): Promise<void> {
    const folder = await stage.sandbox.folder(this.#name)
    const socket = controlSocketPath(join(folder, 'state'))
    this.#node = await stage.start(this.#name, {
      bootstrapList,
      // Where it was before a restart, so that all can be started again at once and find each other.
      listenAddrs: [`/ip4/127.0.0.1/tcp/${this.#port}`],
      replyCommand: [process.execPath, CHATTER, folder, socket]
    })
    this.#port = /\/tcp\/(\d+)/.exec(this.#node.addresses[0] ?? '')?.[1] ?? ''
    this.#client = await connectControl(this.#node.stateDir)
  }

  async talkTo(all: Chatter[]): Promise<void> {
    const folder = await stage.sandbox.folder(this.#name)
    await writeFile(join(folder, 'talks-to.json'), JSON.stringify(all.map(({ peer }) => peer)))
  }

  async kill(): Promise<void> {
    await this.#client?.close()
    await this.#node?.stop('SIGKILL')
  }

  async call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    if (this.#client === undefined) throw new Error('the node does not run')
    return await this.#client.call(method, params)
  }

  async say(to: Chatter, text: string): Promise<void> {
    await this.call('send', { target: to.peer, text, waitFor: 'received', timeoutMs: 0 })
  }

  /** Every time that its reply command ran, also where a crash cut it off. */
  async turns(): Promise<Turn[]> {
    const folder = await stage.sandbox.folder(this.#name)
    const lines = await readFile(join(folder, 'turns'), 'utf8').catch(() => '')
    return lines
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Turn)
  }
}

class Company {
  readonly all: Chatter[]
  readonly #shape: Shape

  constructor(count: number, shape: Shape) {
    this.all = Array.from({ length: count }, (_, i) => new Chatter(`n${i}`))
    this.#shape = shape
  }

  /** Starts all, and pairs by ticket who talks to whom. */
  async gather(): Promise<void> {
    await Promise.all(this.all.map(one => one.start()))
    const paired = new Set<string>()
    for (const [index, one] of this.all.entries()) {
      await one.talkTo(this.heardBy(one))
      for (const other of this.heardBy(one)) {
        const pair = [index, this.all.indexOf(other)].sort().join()
        if (paired.has(pair)) continue
        paired.add(pair)
        const { ticket } = await one.call('invite', { ttlMs: 60_000, uses: 1 })
        await other.call('join', { ticket })
      }
    }
  }

  async startAgain(one: Chatter): Promise<void> {
    const near = this.all.filter(other => this.heardBy(one).includes(other) || this.heardBy(other).includes(one))
    await one.start(near.flatMap(({ addresses }) => addresses))
  }

  heardBy(one: Chatter): Chatter[] {
    const { all } = this
    return this.#shape(all.indexOf(one), all.length).map(index => all[index] as Chatter)
  }

  /** How many talk to it. */
  heard(one: Chatter): number {
    return this.all.filter(other => this.heardBy(other).includes(one)).length
  }

  async eachSays(text: string, times = 1): Promise<void> {
    for (const one of this.all)
      for (const other of this.heardBy(one)) for (let i = 0; i < times; i++) await one.say(other, text)
  }

  async turns(): Promise<Turn[][]> {
    return await Promise.all(this.all.map(one => one.turns()))
  }

  async count(): Promise<number> {
    return (await this.turns()).flat().length
  }

  /** As the nodes themselves say. */
  async spent(): Promise<number[]> {
    const budgets = await Promise.all(this.all.map(one => one.call('budget', {})))
    return budgets.map(({ total }) => total.turns.used)
  }

  /** Resolves when no turn has run for a while. */
  async quiet(): Promise<void> {
    let before: number
    do {
      before = await this.count()
      await new Promise(resolve => setTimeout(resolve, QUIET_MS))
    } while ((await this.count()) !== before)
  }

  /** Resolves when nothing is under way anywhere, seen twice. */
  async ended(): Promise<void> {
    const look = async (): Promise<string> => {
      const found = await Promise.all(this.all.map(one => one.call('status', {})))
      const under = found.reduce((sum, { inbox, outbox }) => sum + inbox.open + outbox.waiting, 0)
      return `${under} under way, ${await this.count()} turns`
    }
    let last = ''
    let sinceMs = 0
    await expect
      .poll(async () => {
        const now = await look()
        // Seen for a while: between two looks at two nodes, what one handed to the other may be in neither.
        if (now !== last) sinceMs = performance.now()
        last = now
        return now.startsWith('0 ') && performance.now() - sinceMs >= QUIET_MS
      }, WAIT)
      .toBe(true)
  }
}

/** The other speed of each, and hours of it, are tried in one process, where time can be moved. */
const cases = [
  { name: 'a pair, fast', count: 2, shape: others, waitMs: 0 },
  { name: 'a triangle, slow', count: 3, shape: others, waitMs: SLOW_MS },
  { name: 'a star of 9, fast', count: 9, shape: spokes, waitMs: 0 },
  { name: 'a ring of 9, slow', count: 9, shape: next, waitMs: SLOW_MS }
]

/** Up to 14 starts of a node and 156 of a reply command; half a minute, and several times that on slow cores that have other work. */
const TEST_MAX_MS = 300_000

describe('bare nodes that always answer and always go on', () => {
  it.each(cases)(
    'S-23: $name: 4 turns of a trace, 12 of a peer, 60 in all, none after that, whatever is killed',
    async ({ count, shape, waitMs }) => {
      const company = new Company(count, shape)
      await company.gather()
      const [first] = company.all as [Chatter]

      // Who says what made it speak ends by itself.
      for (const [i, other] of company.heardBy(first).entries()) await first.say(other, `traced ${waitMs} chain-${i}`)
      await expect.poll(() => company.count(), WAIT).toBeGreaterThan(0)
      await company.ended()
      const chains = Map.groupBy((await company.turns()).flat(), ({ text }) => text)
      expect(chains.size).toBe(company.heardBy(first).length)
      const lengths = [...chains.values()].map(({ length }) => length)
      expect(Math.max(...lengths)).toBeLessThanOrEqual(TRACE_TURNS)
      if (shape === next) expect(lengths).toEqual([TRACE_TURNS])
      if (shape === spokes) {
        // From a spoke the hub tells all others, a branch each: none of them leads further.
        const [, spoke] = company.all as [Chatter, Chatter]
        const text = `traced ${waitMs} from-a-spoke`
        const own = async (): Promise<number[]> =>
          (await company.turns()).map(turns => turns.filter(turn => turn.text === text).length)
        await spoke.say(first, text)
        await expect.poll(async () => (await own())[0], WAIT).toBe(1)
        await company.ended()
        expect(await own()).toEqual(company.all.map(one => (one === spoke ? 0 : 1)))
      }

      // Who hides it is stopped by the hour. Two nodes are killed in the middle.
      const expected = company.all.map(one => Math.min(ALL_TURNS, PEER_TURNS * company.heard(one)))
      const middle = expected.reduce((sum, turns) => sum + turns, 0) / 2
      await company.eachSays(`blind ${waitMs} on`, FIRST_WORDS)
      const killed = [company.all.at(0), company.all.at(-1)] as [Chatter, Chatter]
      for (const one of killed) {
        await expect.poll(() => company.count(), WAIT).toBeGreaterThan(killed.indexOf(one) === 0 ? middle / 2 : middle)
        await one.kill()
        await company.startAgain(one)
      }
      await expect.poll(() => company.spent(), WAIT).toEqual(expected)

      // Spent is spent: more words, every third killed and started again (of a pair and a triangle: all), more words.
      await company.eachSays(`blind ${waitMs} more`)
      // The last turns are written down, and then run.
      await company.quiet()
      const before = await company.turns()
      const again = company.all.filter((_, index) => count <= 3 || index % 3 === 0)
      await Promise.all(again.map(one => one.kill()))
      await Promise.all(again.map(one => company.startAgain(one)))
      await company.eachSays(`blind ${waitMs} still`)
      await company.quiet()
      expect(await company.turns()).toEqual(before)
      expect(await company.spent()).toEqual(expected)

      for (const [index, one] of company.all.entries()) {
        const turns = before[index] as Turn[]
        // A crash may cost a turn that was written down and never ran, and never gives one away.
        if (killed.includes(one)) expect(turns.length).toBeLessThanOrEqual(expected[index] ?? 0)
        else expect(turns).toHaveLength(expected[index] ?? 0)
        for (const own of Map.groupBy(turns, ({ from }) => from).values())
          expect(own.length).toBeLessThanOrEqual(PEER_TURNS)
        const { total, peers } = await one.call('budget', {})
        for (const { turns, waitsUntil } of peers.filter(peer => peer.turns.left === 0)) {
          expect(turns.used).toBe(PEER_TURNS)
          const waitMs = Date.parse(waitsUntil ?? '') - Date.now()
          expect(waitMs).toBeGreaterThan(0)
          expect(waitMs).toBeLessThanOrEqual(HOUR_MS)
        }
        expect(total.characters.used).toBeGreaterThan(0)
        const notices = (await one.call('notices', {})).filter(({ text }) => text.includes('used up'))
        expect(notices.length).toBeGreaterThan(0)
        expect(new Set(notices.map(({ text }) => text.replace(/ What comes.*/, ''))).size).toBe(notices.length)
      }
    },
    TEST_MAX_MS
  )
})
