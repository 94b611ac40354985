import { hostname, userInfo } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setup as buildProgram } from '../integration/harness/built.ts'
import { carryTo } from './carry-to.ts'
import type { Customer } from './customer.ts'
import { Internet } from './internet.ts'
import { Member } from './member.ts'
import { missing } from './missing.ts'
import type { Namespace } from './namespace.ts'
import { bundle } from './nodes.ts'
import type { Router } from './router.ts'
import { Tcp } from './tcp.ts'
import { until } from './until.ts'
import { UPNP_DAEMON } from './upnp-daemon.ts'

const PORT = 4_001

/** From a node that is ready to an address that it says to others. */
const MAPPED_MAX_MS = 20_000

/** What the node gives the router at its end, and time for the process to end. */
const STOP_MAX_MS = 5_000

const SHORT_TTL_MS = 6_000

/** From a change of network to addresses that are true there. */
const MOVED_MAX_MS = 10_000

const OPEN = { dmPolicy: 'open', allowFrom: ['*'], discovery: 'bootstrap', listenAddrs: [`/ip4/0.0.0.0/tcp/${PORT}`] }

const lacking = missing('iptables-legacy', UPNP_DAEMON)

describe.skipIf(lacking !== undefined)(`UPnP (${lacking ?? 'miniupnpd'})`, () => {
  let internet: Internet
  let entriesProgram: string
  let nodeProgram: string
  let names = 0

  beforeAll(async () => {
    await buildProgram()
    internet = await Internet.create()
    entriesProgram = await bundle(internet.sandbox, 'upnp-entries.ts')
    nodeProgram = await bundle(internet.sandbox, 'upnp-node.ts')
  })

  afterAll(async () => {
    await internet[Symbol.asyncDispose]()
  })

  async function home(): Promise<{ router: Router; host: Customer }> {
    const number = ++names
    const router = await internet.router(`upnp-${number}`, 'upnp')
    return { router, host: router.host(`home-${number}`) }
  }

  async function member(machine: Namespace, settings: Record<string, unknown> = {}): Promise<Member> {
    return await Member.create(internet.sandbox, {
      name: `node-${++names}`,
      machine,
      settings: { ...OPEN, ...settings }
    })
  }

  async function entries(host: Namespace): Promise<Record<string, unknown>[]> {
    const { events } = await host.start(process.execPath, [entriesProgram])
    await events.next('end')
    return events.all.filter(({ event }) => event === 'entry')
  }

  const mapped = (router: Router): Promise<number[]> =>
    until(
      () => 'open port',
      MAPPED_MAX_MS,
      () => (router.mappings().length > 0 ? router.mappings() : undefined)
    )

  it('S1.36, S1.47: a machine outside connects through the port that the router opened, which is closed at stop', async () => {
    const { router, host } = await home()
    const inside = await member(host)
    const readyMs = await inside.start()
    const address = await until(
      () => 'public address',
      MAPPED_MAX_MS,
      async () => {
        const { addresses } = await inside.call('status', {})
        return addresses.find(each => each.startsWith(`/ip4/${router.address}/tcp/`))
      }
    )
    console.log(`UPnP: ${Math.round(performance.now() - readyMs)} ms from ready to the address`)
    expect(address).toBe(`/ip4/${router.address}/tcp/${PORT}/p2p/${inside.peerId}`)
    expect(await mapped(router)).toEqual([PORT])

    const outside = await member(internet.machine('outside'), { bootstrapList: [address] })
    await outside.start()
    const path = await until(
      () => 'link',
      MAPPED_MAX_MS,
      async () => {
        const { peers } = await outside.call('status', {})
        return peers > 0 ? (await outside.call('peers', {}))[0]?.path : undefined
      }
    )
    expect(path).toBe('direct')

    const stoppedMs = performance.now()
    expect(await inside.stop()).toBe(0)
    expect(performance.now() - stoppedMs).toBeLessThan(STOP_MAX_MS)
    expect(router.mappings()).toEqual([])
    expect(await outside.stop()).toBe(0)
  })

  it('R-14: who goes to another network says the address of the router that it left no longer', async () => {
    const { router, host } = await home()
    const inside = await member(host)
    await inside.start()
    const atRouter = async (): Promise<string[]> =>
      (await inside.call('status', {})).addresses.filter(each => each.includes(router.address))
    await until(
      () => 'public address',
      MAPPED_MAX_MS,
      async () => ((await atRouter()).length > 0 ? true : undefined)
    )
    carryTo(host, await internet.router('elsewhere', 'cone'))
    await until(
      () => 'end of the address',
      MOVED_MAX_MS,
      async () => ((await atRouter()).length === 0 ? true : undefined)
    )
    expect(await inside.stop()).toBe(0)
  })

  it('S-29: the router shows a constant description, and nothing of the machine, its user or the peer', async () => {
    const { router, host } = await home()
    const inside = await member(host, { name: 'ana' })
    await inside.start()
    await mapped(router)
    const all = await entries(host)
    expect(all).toEqual([
      {
        event: 'entry',
        port: PORT,
        to: `${host.address}:${PORT}`,
        protocol: 'TCP',
        description: 'libp2p-mesh',
        seconds: expect.any(Number)
      }
    ])
    for (const word of [hostname(), userInfo().username, inside.peerId, 'ana'])
      expect(JSON.stringify(all)).not.toContain(word)
    expect(await inside.stop()).toBe(0)
  })

  it('S1.36: without it nothing is asked, and no port is opened', async () => {
    const { router, host } = await home()
    const asked = (): number => {
      const rules = router.run('iptables-legacy', '-L', 'INPUT', '-v', '-x', '-n')
      return Number(/^\s*(\d+).*dpt:1900/m.exec(rules)?.[1])
    }
    router.run('iptables-legacy', '-I', 'INPUT', '-p', 'udp', '--dport', '1900')
    const off = await member(host, { enableUPnP: false })
    await off.start()
    const on = await member(router.host(`home-${++names}`))
    expect(asked()).toBe(0)
    await on.start()
    await mapped(router)
    expect(asked()).toBeGreaterThan(0)
    const before = await entries(host)
    expect(before.map(({ to }) => to)).not.toContain(`${host.address}:${PORT}`)
    expect((await off.call('status', {})).addresses.filter(each => each.includes(router.address))).toEqual([])
    expect(await Promise.all([off.stop(), on.stop()])).toEqual([0, 0])
  })

  it('S1.36: the port is asked for again before the router forgets it, and again when the router has lost it', async () => {
    const { router, host } = await home()
    const node = await host.start(process.execPath, [nodeProgram, String(SHORT_TTL_MS)])
    await node.events.next('ready')
    await mapped(router)
    const [entry] = await entries(host)
    expect(Number(entry?.['seconds'])).toBeLessThanOrEqual(SHORT_TTL_MS / 1_000)
    const endMs = performance.now() + 2 * SHORT_TTL_MS
    // At no moment of two leases is it gone.
    while (performance.now() < endMs) {
      expect(router.mappings()).toEqual([PORT])
      await new Promise(resolve => setTimeout(resolve, 200))
    }
    router.run('iptables-legacy', '-t', 'nat', '-F', 'MINIUPNPD')
    expect(router.mappings()).toEqual([])
    expect(await mapped(router)).toEqual([PORT])
    expect(await node.stop()).toBe(0)
    expect(router.mappings()).toEqual([])
  })

  it('S-16: a device that answers in place of the router leads nobody elsewhere, ends nothing, and the router is found', async () => {
    const { router, host } = await home()
    const device = router.host(`device-${++names}`)
    const victim = router.host(`victim-${++names}`)
    const tcp = await Tcp.create(internet.sandbox)
    const decoy = await tcp.listen(victim, 8_080)
    const program = await bundle(internet.sandbox, 'upnp-impostor.ts')
    const words = [program, device.address, `http://${victim.address}:8080/`]
    const impostor = await device.start(process.execPath, words)
    await impostor.events.next('serving')
    const inside = await member(host)
    await inside.start()
    await impostor.events.next('search')
    expect(await mapped(router)).toEqual([PORT])
    const { upnp } = await inside.call('netcheck', {})
    expect(upnp).toEqual({
      state: 'mapped',
      addresses: [`/ip4/${router.address}/tcp/${PORT}`],
      detail: `The router at 192.168.1.1 leads ${router.address}:${PORT} to port ${PORT} of this machine.`
    })
    expect(decoy.events.all.filter(({ event }) => event === 'connection')).toEqual([])
    expect(await inside.stop()).toBe(0)
    await impostor.stop()
  })

  it('S1.36: behind a second NAT nothing is mapped, and netcheck says why', async () => {
    const carrier = internet.carrier(`carrier-${++names}`, 'cone')
    const router = await internet.router(`upnp-${++names}`, 'upnp', carrier)
    const inside = await member(router.host(`home-${++names}`))
    await inside.start()
    const detail = await until(
      () => 'word of the router',
      MAPPED_MAX_MS,
      async () => {
        const { upnp } = await inside.call('netcheck', {})
        expect(upnp).toMatchObject({ state: 'none', addresses: [] })
        return / is not public|not say/.test(upnp.detail) ? upnp.detail : undefined
      }
    )
    // Debian's miniupnpd says none where it has a private one; other routers say that.
    expect(detail).toContain('another NAT')
    expect(router.mappings()).toEqual([])
    // No router that opens a port is how most networks are.
    expect((await inside.call('status', {})).issues).toEqual([])
    expect(await inside.stop()).toBe(0)
  })
})
