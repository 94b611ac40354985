import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Result } from '../../src/control/methods.ts'
import { BIN } from '../integration/harness/bare-node.ts'
import { setup as buildProgram } from '../integration/harness/built.ts'
import { Lab, type Running } from './lab.ts'
import { missing } from './missing.ts'

const lacking = missing('iptables')

/** A netcheck takes a second or two, without a network too; the rest is for the start of the program on a machine with other work. */
const NETCHECK_MAX_MS = 10_000

/** Admits everybody, finds by mDNS, and asks no router. */
const OPEN = { dmPolicy: 'open', allowFrom: ['*'], enableUPnP: false }

const PATIENCE = { timeout: 20_000, interval: 100 }

let lab: Lab

beforeAll(buildProgram)

beforeEach(async () => {
  lab = await Lab.create(2)
})

afterEach(async () => {
  await lab[Symbol.asyncDispose]()
})

const stateOf = (number: number): Promise<string> => lab.sandbox.folder(`state-${number}`)

async function start(number: number): Promise<Running> {
  const state = await stateOf(number)
  const config = join(state, 'settings.json')
  await writeFile(config, JSON.stringify({ ...OPEN, name: `node-${number}` }))
  const node = await lab.machine(number).start(process.execPath, [BIN, 'node', '--state', state, '--config', config])
  await node.events.next('ready')
  return node
}

/** One command of the program on machine 1. */
async function ask(...words: string[]): Promise<string> {
  return lab.machine(1).run(process.execPath, BIN, ...words, '--state', await stateOf(1))
}

async function netcheck(): Promise<Result<'netcheck'>> {
  const startMs = performance.now()
  const found = JSON.parse(await ask('netcheck', '--json')) as Result<'netcheck'>
  expect(performance.now() - startMs).toBeLessThan(NETCHECK_MAX_MS)
  return found
}

const linked = (...nodes: Running[]): Promise<unknown> => Promise.all(nodes.map(({ events }) => events.next('peer')))

async function stop(...nodes: Running[]): Promise<void> {
  expect(await Promise.all(nodes.map(node => node.stop()))).toEqual(nodes.map(() => 0))
}

describe.skipIf(lacking !== undefined)('netcheck', () => {
  it('S1.11: says that multicast is heard, who answers, and on which sockets and interfaces', async () => {
    const nodes = [await start(1), await start(2)]
    await linked(...nodes)
    const detail = 'A question of ours came back on v0; 1 other machine answered.'
    // On a machine with other work an answer may come later than anybody waits for it.
    const found = await vi.waitFor(async () => {
      const report = await netcheck()
      expect(report.multicast).toEqual({ state: 'heard', detail })
      return report
    }, PATIENCE)
    const { address } = lab.machine(1)
    expect(found.interfaces[0]).toEqual({ name: 'v0', address, kind: 'private' })
    expect(found.listeners).toContainEqual(expect.stringMatching(`^/ip4/${address}/tcp/\\d+$`))
    expect(found.advice).toMatch(/^Set enableUPnP.*: others cannot connect from outside\.$/)
    expect(await ask('ping', 'node-2', '--count', '1')).toMatch(/^reply from node-2: path=lan \d/)
    await stop(...nodes)
  })

  it('S1.11: says that nobody answers where the network carries nothing', async () => {
    const nodes = [await start(1), await start(2)]
    await linked(...nodes)
    lab.machine(2).detach()
    expect((await netcheck()).multicast).toEqual({
      state: 'heard',
      detail: 'A question of ours came back on v0; no other machine answered.'
    })
    lab.machine(2).attach()
    await stop(...nodes)
  })

  it.each([
    ['what comes in', 'INPUT', 'A question of ours did not come back on v0.'],
    ['what it sends', 'OUTPUT', 'A question of ours did not come back on v0 (EPERM).']
  ])('S1.70: is not fooled where a firewall drops %s, and says what to do', async (_, chain, detail) => {
    const node = await start(1)
    lab.machine(1).run('iptables', '-A', chain, '-d', '224.0.0.251', '-j', 'DROP')
    expect(await netcheck()).toMatchObject({
      multicast: { state: 'silent', detail },
      advice: expect.stringMatching(/^Let UDP port 5353 through the firewall/)
    })
    await stop(node)
  })

  it('S1.70: answers on a machine without a network, and says so', async () => {
    const node = await start(1)
    lab.machine(1).ip('link', 'set', 'v0', 'down')
    const found = await netcheck()
    expect(new Set(found.interfaces.map(({ kind }) => kind))).toEqual(new Set(['loopback']))
    expect(found).toMatchObject({
      multicast: { state: 'silent', detail: 'This machine has no address on a local network at present.' },
      ipv6: { global: false },
      advice: 'This machine has no network at present: connect it to one.'
    })
    await stop(node)
  })
})
