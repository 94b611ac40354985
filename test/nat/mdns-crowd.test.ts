import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setup as buildProgram } from '../integration/harness/built.ts'
import type { JsonEvent } from '../integration/harness/json-events.ts'
import { Lab, type Running } from './lab.ts'
import { missing } from './missing.ts'
import { bundle, startBare } from './nodes.ts'

const lacking = missing()

const LINKED_MAX_MS = 3_000

/** Long enough for two rounds of queries, each with a sighting of everybody. */
const WATCH_MS = 22_000

/** USER_HZ, which Linux fixes at 100. */
const TICKS_PER_SECOND = 100

const FLOODED =
  'mDNS pauses: far more packets arrive at UDP port 5353 than any network needs; meanwhile instances nearby are not found by themselves; bootstrapList finds them without mDNS.'

describe.skipIf(lacking !== undefined)('a network with', () => {
  let lab: Lab
  let node: string
  let hostile: string

  beforeAll(async () => {
    await buildProgram()
    lab = await Lab.create(3)
    node = await bundle(lab.sandbox, 'mdns-node.ts')
    hostile = await bundle(lab.sandbox, 'hostile.ts')
  })

  afterAll(async () => {
    await lab[Symbol.asyncDispose]()
  })

  const start = (number: number): Promise<Running> => lab.machine(number).start(process.execPath, [node])

  async function attack(packetsPerSecond: number): Promise<Running> {
    const machine = lab.machine(3)
    const attacker = await machine.start(process.execPath, [hostile, machine.address, `${packetsPerSecond}`])
    await attacker.events.next('ready')
    return attacker
  }

  it('S1.3, D-36: 40 foreign libp2p nodes: the right two are linked within 3 s, and no foreign one is dialled twice', async () => {
    // libp2p's own mDNS sends nothing without a route.
    lab.machine(3).ip('route', 'add', 'default', 'dev', 'v0')
    const tags = ['_p2p._udp.local=25', '_ipfs-discovery._udp.local=5', '_libp2p-mesh._udp.local=10']
    const crowd = await lab.machine(3).start(process.execPath, [await bundle(lab.sandbox, 'foreign-nodes.ts'), ...tags])
    await crowd.events.next('ready')
    const nodes = [await startBare(lab.sandbox, lab.machine(1)), await startBare(lab.sandbox, lab.machine(2))]
    const ids = await Promise.all(nodes.map(async ({ events }) => (await events.next('ready'))['peerId']))
    const startedMs = performance.now()
    const peers = await Promise.all(nodes.map(async ({ events }) => (await events.next('peer'))['peerId']))
    expect(performance.now() - startedMs).toBeLessThanOrEqual(LINKED_MAX_MS)
    expect(peers).toEqual(ids.toReversed())
    await new Promise(resolve => setTimeout(resolve, WATCH_MS))
    const visits = crowd.events.all.filter(({ event }) => event === 'visited')
    const pairs = visits.map(({ node: visited, by }) => `${visited} ${by}`)
    expect(new Set(pairs).size).toBe(pairs.length)
    expect(new Set(visits.map(({ tag }) => tag))).toEqual(new Set(['_libp2p-mesh._udp.local']))
    for (const { stderr, events } of nodes) {
      expect(stderr()).not.toContain('mdns does not work')
      expect(events.all.filter(({ event }) => event === 'peer')).toHaveLength(1)
    }
    expect(await Promise.all(nodes.map(one => one.stop()))).toEqual([0, 0])
    await crowd.stop()
  }, 90_000)

  it('openclaw#69693: a stream of malformed and hostile packets: linked within 3 s all the same', async () => {
    const attacker = await attack(1_000)
    const nodes = [await start(1), await start(2)]
    const ids = await Promise.all(nodes.map(async ({ events }) => (await events.next('ready'))['peer']))
    const startedMs = performance.now()
    await Promise.all(nodes.map(({ events }, index) => events.next('linked', ({ peer }) => peer === ids[1 - index])))
    expect(performance.now() - startedMs).toBeLessThanOrEqual(LINKED_MAX_MS)
    // A neighbour may say where it is; nothing that mDNS says leads out of the own network.
    const named = nodes.flatMap(({ events }) => events.all.flatMap(addressesFound))
    const away = named.filter(address => !/^\/ip4\/10\.77\.0\.\d+\/tcp\/\d+\/p2p\/\w+$/.test(address))
    expect(away).toEqual([])
    expect(await Promise.all(nodes.map(one => one.stop()))).toEqual([0, 0])
    await attacker.stop()
  })

  it('openclaw#69693: a flood on the port of mDNS: the node stays up, says so, and finds others when it is over', async () => {
    const nodes = [await start(1)]
    const [flooded] = nodes as [Running]
    await flooded.events.next('ready')
    const attacker = await attack(50_000)
    expect((await flooded.events.next('issues'))['issues']).toEqual([FLOODED])
    const before = { ms: performance.now(), seconds: cpuSeconds(flooded) }
    await new Promise(resolve => setTimeout(resolve, 5_000))
    const load = ((cpuSeconds(flooded) - before.seconds) * 1_000) / (performance.now() - before.ms)
    console.log(`mDNS flood: ${(load * 100).toFixed(1)} % of a core`)
    expect(load).toBeLessThan(0.2)
    expect(flooded.process.exitCode).toBe(null)
    await attacker.stop()
    nodes.push(await start(2))
    await Promise.all(nodes.map(({ events }) => events.next('linked')))
    expect(await Promise.all(nodes.map(one => one.stop()))).toEqual([0, 0])
  })
})

function addressesFound({ event, addresses }: JsonEvent): string[] {
  return event === 'discovered' ? (addresses as string[]) : []
}

/** Processor time that a process has used. */
function cpuSeconds({ process: { pid } }: Running): number {
  // Its own threads; the name before them may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
