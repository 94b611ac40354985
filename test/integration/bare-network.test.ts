import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Status } from '../../src/control/methods.ts'
import { netcheckSchema } from '../../src/control/network-methods.ts'
import { type BareNode, BIN, runBin } from './harness/bare-node.ts'
import { createStage, type Stage } from './harness/stage.ts'

/** A netcheck takes a second or two, without a network too; the rest is for the start of the program on a machine with other work. */
const NETCHECK_MAX_MS = 10_000

/** `p2p ping` of a peer on this machine. */
const REPLY = /^reply from bob: path=lan \d+(?:\.\d)? ms$/

/** Nothing but loopback listens; a machine that has nothing else is told of that first. */
const LOOPBACK_ADVICE = /^(?:Only programs of this machine can connect|This machine has no network)/

interface Pinged {
  to: object
  tries: { path: string; rttMs: number; address: string }[]
  sent: number
  answered: number
  rttMs: { min: number; avg: number; max: number }
}

let stage: Stage
let alice: BareNode
let bob: BareNode

beforeAll(async () => {
  stage = await createStage()
  bob = await stage.start('bob')
  alice = await stage.start('alice', { bootstrapList: bob.addresses })
  await stage.pair(alice, bob)
})

afterAll(async () => {
  await Promise.all([alice?.stop(), bob?.stop()])
  await stage?.[Symbol.asyncDispose]()
})

describe('ping between two bare nodes', () => {
  it('prints each round trip with its path, and what they took', async () => {
    const { code, stdout, stderr } = await alice.run('ping', 'bob', '--count', '3', '--interval', '100')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [first, second, third, summary, ...rest] = stdout.split('\n')
    for (const line of [first, second, third]) expect(line).toMatch(REPLY)
    expect(summary).toMatch(/^3 sent, 3 answered, min\/avg\/max \S+ ms \/ \S+ ms \/ \S+ ms$/)
    expect(rest).toEqual([''])
  })

  it('prints all of them as one document, the times in their order', async () => {
    const pinged = await alice.ask<Pinged>(['ping', bob.peerId, '--count', '2', '--interval', '100'])
    expect(pinged).toMatchObject({
      to: { instanceId: bob.instanceId, peerId: bob.peerId, name: 'bob' },
      tries: [{ path: 'lan' }, { path: 'lan' }],
      sent: 2,
      answered: 2
    })
    const { min, avg, max } = pinged.rttMs
    expect(min).toBeGreaterThan(0)
    expect([min, avg, max]).toEqual([min, avg, max].toSorted((one, other) => one - other))
    for (const { address } of pinged.tries) expect(address).toContain('/ip4/127.0.0.1/tcp/')
  })

  it('ends at Ctrl-C, with what was printed before', async () => {
    const home = await stage.sandbox.folder('home')
    const words = [BIN, 'ping', 'bob', '--count', '1000', '--state', alice.stateDir]
    const child = stage.sandbox.spawn(process.execPath, words, { cwd: home, env: { HOME: home } })
    if (child.stdout === null) throw new Error('no pipe')
    const ended = once(child, 'exit')
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    expect(line).toMatch(REPLY)
    child.kill('SIGINT')
    expect(await ended).toEqual([null, 'SIGINT'])
  })

  it.each([
    [['ping', 'carol'], 1, /^Nobody here is known as "carol"; see libp2p-mesh --state \S+ peers, /],
    [['ping', 'SELF'], 2, /^"alice@[a-z2-7-]{29}" is this instance itself/],
    [['ping', 'bob', '--count', '0'], 2, /^--count is "0": expected a whole number from 1 to 50000\.$/]
  ])('%j ends with %i and one sentence', async (words, code, sentence) => {
    for (const json of [[], ['--json']]) {
      const result = await alice.run(...words.map(word => (word === 'SELF' ? alice.instanceId : word)), ...json)
      expect(result).toMatchObject({ code, stdout: '' })
      expect(result.stderr.trimEnd()).toMatch(sentence)
    }
  })
})

describe('netcheck of a bare node', () => {
  it('says what it found, in time, and one advice', async () => {
    const { code, stdout, ms } = await runBin(stage.sandbox, ['netcheck', '--json', '--state', alice.stateDir])
    expect(code).toBe(0)
    expect(ms).toBeLessThan(NETCHECK_MAX_MS)
    const found = netcheckSchema.strict().parse(JSON.parse(stdout))
    expect(found.listeners.map(address => `${address}/p2p/${alice.peerId}`)).toEqual(alice.addresses)
    expect(found.interfaces).toContainEqual({ name: expect.any(String), address: '127.0.0.1', kind: 'loopback' })
    expect(found).toMatchObject({
      multicast: { state: 'off' },
      upnp: { state: 'off', addresses: [] },
      reachability: { verdict: 'private' },
      natMapping: { kind: 'unknown' },
      relays: [],
      advice: expect.stringMatching(LOOPBACK_ADVICE)
    })
    const text = await alice.run('netcheck')
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout).toMatch(/^listens +\/ip4\/127\.0\.0\.1\/tcp\/\d+\n/)
    expect(text.stdout).toContain(`\nadvice       ${found.advice.slice(0, 40)}`)
  })

  it('and its status agree about relays and about how others reach it', async () => {
    const { reachability, reachabilityReason, relays, relay } = await alice.ask<Status>(['status'])
    const found = netcheckSchema.parse(await alice.ask(['netcheck']))
    expect(found.reachability).toEqual({ verdict: reachability, reason: reachabilityReason })
    expect({ relays, relay }).toEqual({ relays: found.relays, relay: null })
    const { stdout } = await alice.run('status')
    expect(stdout).toMatch(new RegExp(`\nreachable +${reachability} \\(`))
  })
})

describe('a peer that is gone', () => {
  it('is pinged in vain: a line for each try, one sentence, and 1', async () => {
    await bob.stop()
    await alice.events.next('peer', ({ state }) => state === 'disconnected')
    const { code, stdout, stderr } = await alice.run('ping', 'bob', '--count', '2', '--interval', '100')
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: 'no reply from bob\nno reply from bob\n2 sent, 0 answered\n'
    })
    expect(stderr).toMatch(/^bob@[a-z2-7-]{29} cannot be reached now; check that it is running, and what [^\n]+\.\n$/)
  })
})
