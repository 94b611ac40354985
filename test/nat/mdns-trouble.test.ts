import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSandbox, type Sandbox } from '../host/harness/sandbox.ts'
import { Lab, type Running } from './lab.ts'
import { missing } from './missing.ts'
import { bundle } from './nodes.ts'

const lacking = missing('iptables', 'avahi-daemon')

const LINKED_MAX_MS = 3_000

const LOST = 'instances nearby are not found by themselves; bootstrapList finds them without mDNS.'
const ONE_WAY =
  'mDNS works one way only: another program keeps UDP port 5353 to itself, so this instance finds others, but others do not find it.'

/** The folder of avahi's pid file is fixed. In a mount namespace of its own it is not that of the machine's own avahi. */
const RUN_AVAHI = 'mount -t tmpfs none /run && mkdir /run/avahi-daemon && exec avahi-daemon "$@"'

let programs: Sandbox
let program: string
let lab: Lab

beforeAll(async () => {
  programs = await createSandbox('lm-nat')
  program = await bundle(programs, 'mdns-node.ts')
})

beforeEach(async () => {
  lab = await Lab.create(2)
})

afterEach(async () => {
  await lab[Symbol.asyncDispose]()
})

afterAll(async () => {
  await programs[Symbol.asyncDispose]()
})

async function start(number: number): Promise<Running> {
  const node = await lab.machine(number).start(process.execPath, [program])
  await node.events.next('ready')
  return node
}

async function stop(...nodes: Running[]): Promise<void> {
  expect(await Promise.all(nodes.map(node => node.stop()))).toEqual(nodes.map(() => 0))
}

async function expectLinked(...nodes: Running[]): Promise<void> {
  const startedMs = performance.now()
  await Promise.all(nodes.map(({ events }) => events.next('linked')))
  expect(performance.now() - startedMs).toBeLessThanOrEqual(LINKED_MAX_MS)
}

const issuesOf = async (node: Running): Promise<unknown> => (await node.events.next('issues'))['issues']
const everSaid = (node: Running): unknown[] => node.events.all.filter(({ event }) => event === 'issues')

describe.skipIf(lacking !== undefined)('a network without', () => {
  it('S1.11: a route for multicast: linked within 3 s, nothing is wrong', async () => {
    expect(() => lab.machine(1).run('ip', 'route', 'get', '224.0.0.251')).toThrow('unreachable')
    const nodes = [await start(1), await start(2)]
    await expectLinked(...nodes)
    expect(nodes.flatMap(everSaid)).toEqual([])
    await stop(...nodes)
  })

  it('S1.11: the multicast flag on its interfaces: linked within 3 s', async () => {
    for (const machine of lab.machines) machine.ip('link', 'set', 'v0', 'multicast', 'off')
    const nodes = [await start(1), await start(2)]
    await expectLinked(...nodes)
    await stop(...nodes)
  })

  it.each([
    ['what it sends', 'OUTPUT', 'EPERM'],
    ['what comes in', 'INPUT', 'no packet comes back, as behind a firewall']
  ])(
    'S1.11, S1.70: multicast, as a firewall drops %s: says so and runs on, and links when it is let through',
    async (_, chain, reason) => {
      lab.machine(1).run('iptables', '-A', chain, '-d', '224.0.0.251', '-j', 'DROP')
      const nodes = [await start(1), await start(2)]
      const [walled, open] = nodes as [Running, Running]
      expect(await issuesOf(walled)).toEqual([`mDNS does not work on v0 (${reason}): ${LOST}`])
      expect(everSaid(open)).toEqual([])
      lab.machine(1).run('iptables', '-F', chain)
      await Promise.all(nodes.map(({ events }) => events.next('linked')))
      expect(await issuesOf(walled)).toEqual([])
      await stop(...nodes)
    }
  )
})

describe.skipIf(lacking !== undefined)('another responder', () => {
  it('S1.70: avahi beside us: linked within 3 s, nothing is wrong', async () => {
    const conf = join(lab.sandbox.root, 'avahi.conf')
    await writeFile(conf, '[server]\nhost-name=lab\nenable-dbus=no\nuse-ipv6=no\n[publish]\npublish-workstation=no\n')
    const args = ['--file', conf, '--no-drop-root', '--no-chroot', '--no-rlimits']
    const avahi = await lab.machine(1).start('unshare', ['--mount', 'sh', '-c', RUN_AVAHI, 'sh', ...args])
    await vi.waitFor(() => expect(avahi.stderr()).toContain('Server startup complete'), { timeout: 10_000 })
    expect(lab.machine(1).run('ss', '--udp', '--listening', '--numeric')).toContain(':5353')
    const nodes = [await start(1), await start(2)]
    await expectLinked(...nodes)
    expect(nodes.flatMap(everSaid)).toEqual([])
    await stop(...nodes)
    expect(avahi.process.exitCode).toBe(null)
    await avahi.stop()
  })

  it('S1.70: one that shares its port: linked within 3 s, nothing is wrong', async () => {
    const holder = await hold('reuseAddr')
    const nodes = [await start(1), await start(2)]
    await expectLinked(...nodes)
    expect(nodes.flatMap(everSaid)).toEqual([])
    await holder.events.next('heard', ({ address }) => address === lab.machine(2).address)
    await stop(...nodes, holder)
  })

  it.each(['exclusive', 'reusePort'])(
    'S1.70: one that keeps its port to itself (%s): says so, linked within 3 s all the same, and shares it when it can',
    async how => {
      const holder = await hold(how)
      const nodes = [await start(1), await start(2)]
      await expectLinked(...nodes)
      const [beside] = nodes as [Running, Running]
      expect(await issuesOf(beside)).toEqual([ONE_WAY])
      await stop(holder)
      expect(await issuesOf(beside)).toEqual([])
      await stop(...nodes)
    }
  )

  async function hold(how: string): Promise<Running> {
    const holder = await lab
      .machine(1)
      .start(process.execPath, [await bundle(lab.sandbox, 'port-holder.ts'), how, lab.machine(1).address])
    await holder.events.next('ready')
    return holder
  }
})

describe.skipIf(lacking !== undefined)('an interface', () => {
  it('openclaw#69693: that goes down and up again and again ends no node, and both are linked in the end', async () => {
    const nodes = [await start(1), await start(2)]
    await expectLinked(...nodes)
    for (let turn = 0; turn < 20; turn++) {
      lab.machine(1).ip('link', 'set', 'v0', 'down')
      await new Promise(resolve => setTimeout(resolve, 130))
      lab.machine(1).ip('link', 'set', 'v0', 'up')
      await new Promise(resolve => setTimeout(resolve, 70))
    }
    const late = await start(2)
    await expectLinked(late)
    await stop(late, ...nodes)
  })

  it('openclaw#69693: that is taken away and comes back is joined anew', async () => {
    const machine = lab.machine(1)
    const nodes = [await start(1)]
    machine.ip('link', 'del', 'v0')
    const [node] = nodes as [Running]
    expect(await issuesOf(node)).toHaveLength(1)
    machine.plug()
    nodes.push(await start(2))
    await expectLinked(...nodes)
    await stop(...nodes)
  })
})
