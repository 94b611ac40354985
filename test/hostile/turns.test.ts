import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { Content } from '../vectors/reference/envelope.mjs'
import { createScene, type Scene } from './scene.ts'

const WAIT = { timeout: 60_000, interval: 50 }

/** What a paired peer may cost in an hour. */
const TURNS_PER_HOUR = 12

let scene: Scene
let folder: string

/** Answers, and writes down what: a line for each time that it runs. */
const COUNTING = "fs.appendFileSync(process.argv[1], fs.readFileSync(0, 'utf8') + '\\n'); process.stdout.write('yes')"

const runsFile = (): string => join(folder, 'runs')

/** How often it ran for this text. */
async function runs(text: string): Promise<number> {
  const lines = (await readFile(runsFile(), 'utf8').catch(() => '')).split('\n')
  return lines.filter(line => line === text).length
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-turns-'))
  scene = await createScene({ replyCommand: [process.execPath, '-e', COUNTING, runsFile()] })
})

afterEach(async () => {
  await scene.honestWorks()
  await scene.victimIsWell()
})

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

it('S-23: a chain that is told on by hand, with whatever trace, costs four turns, and three of one conversation', async () => {
  const { mallory, link } = await scene.paired()
  const { victim } = scene
  const root = randomBytes(16).toString('hex')
  const told = (more: Partial<Content['trace']>, conversation?: string): Content =>
    mallory.content(victim.node, 'go on', {
      trace: { root, parent: randomBytes(16).toString('hex'), depth: 1, hops: [mallory.fingerprint], ...more },
      ...(conversation !== undefined && { conversation })
    })
  const own = victim.node.instanceId.slice(victim.node.instanceId.indexOf('@') + 1)
  const say = async (contents: Content[]): Promise<void> => {
    for (const content of contents) {
      link.send(mallory.seal(content))
      await vi.waitFor(() => expect(link.verdicts(content.id).join()).toMatch(/answered|no_reply/), WAIT)
    }
  }
  // None of them may start a turn: they have been here, or come from too far.
  const barred = [told({ hops: [mallory.fingerprint, own], depth: 2 }), told({ depth: 5 })]
  const one = Array.from({ length: 10 }, () => told({}))
  const other = Array.from({ length: 10 }, () => told({}, randomBytes(16).toString('hex')))
  await say([...barred, ...one])
  expect(await runs('go on')).toBe(3)
  await say(other)
  expect(await runs('go on')).toBe(4)
})

it('S-24: a thousand messages, each of a chain and a conversation of its own, cost the turns of an hour and no more', async () => {
  const { mallory, link } = await scene.paired()
  const contents = Array.from({ length: 1_000 }, () =>
    mallory.content(scene.victim.node, 'and you?', { conversation: randomBytes(16).toString('hex') })
  )
  for (const content of contents) link.send(mallory.seal(content))
  const verdicts = (pattern: RegExp): number =>
    contents.filter(({ id }) => link.verdicts(id).some(verdict => pattern.test(verdict))).length
  await vi.waitFor(() => expect(verdicts(/^answered/)).toBe(TURNS_PER_HOUR), WAIT)
  await vi.waitFor(() => expect(verdicts(/^(answered|deferred overloaded)/)).toBe(contents.length), WAIT)
  expect(await runs('and you?')).toBe(TURNS_PER_HOUR)
  const { peers } = await scene.victim.call('budget', {})
  const own = peers.find(({ instanceId }) => instanceId.endsWith(`@${mallory.fingerprint}`))
  expect(own?.turns).toEqual({ used: TURNS_PER_HOUR, left: 0 })
})
