import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Customer } from './customer.ts'
import { Internet } from './internet.ts'
import { missing } from './missing.ts'
import type { Nat } from './nat-rules.ts'
import type { Router } from './router.ts'
import { type Dialled, Tcp } from './tcp.ts'
import { UPNP_DAEMON } from './upnp-daemon.ts'

/** Of the host behind a router. */
const INSIDE_PORT = 5_000
const PORT = 4_001
const OTHER_PORT = 4_002

/** One from which nothing was tried in vain, and on which nobody listens. */
const OPEN_PORT = 4_003

const dropped: Dialled = { failed: 'ETIMEDOUT' }
const refused: Dialled = { failed: 'ECONNREFUSED' }

const lacking = missing('iptables')
const lackingUpnp = missing('iptables-legacy', UPNP_DAEMON)

describe.skipIf(lacking !== undefined)(`routers of the lab (${lacking ?? 'iptables'})`, { concurrent: true }, () => {
  let internet: Internet
  let tcp: Tcp
  let one: Customer
  let other: Customer
  let homes = 0

  beforeAll(async () => {
    internet = await Internet.create()
    tcp = await Tcp.create(internet.sandbox)
    one = internet.machine('one')
    other = internet.machine('other')
    await Promise.all([one, other].flatMap(machine => [PORT, OTHER_PORT].map(port => tcp.listen(machine, port))))
  })

  afterAll(async () => {
    await internet[Symbol.asyncDispose]()
  })

  async function home(nat: Nat): Promise<{ router: Router; host: Customer }> {
    const number = ++homes
    const router = await internet.router(`router-${number}`, nat)
    return { router, host: router.host(`host-${number}`) }
  }

  /** What each of three others sees as the source of a connection from one port inside. */
  async function seenBy(host: Customer): Promise<Dialled[]> {
    const targets = [
      [one, PORT],
      [one, OTHER_PORT],
      [other, PORT]
    ] as const
    return await Promise.all(targets.map(([{ address }, port]) => tcp.dial(host, INSIDE_PORT, address, port)))
  }

  /** Both at once, from and to the port that a router which keeps ports shows outside. */
  async function punch(a: Awaited<ReturnType<typeof home>>, b: Awaited<ReturnType<typeof home>>): Promise<Dialled[]> {
    return await Promise.all([
      tcp.dial(a.host, INSIDE_PORT, b.router.address, INSIDE_PORT),
      tcp.dial(b.host, INSIDE_PORT, a.router.address, INSIDE_PORT)
    ])
  }

  it.each(['cone', 'restricted', 'rst'] as const)('%s: keeps the port, whoever is written to', async nat => {
    const { router, host } = await home(nat)
    const seen = { as: `${router.address}:${INSIDE_PORT}` }
    expect(await seenBy(host)).toEqual([seen, seen, seen])
  })

  it('symmetric: has another port for each that is written to', async () => {
    const { router, host } = await home('symmetric')
    const seen = (await seenBy(host)).map(each => ('as' in each ? each.as.split(':') : []))
    expect(seen.map(([address]) => address)).toEqual(Array(3).fill(router.address))
    // Three at random are not all alike, nor the one inside.
    expect(new Set([...seen.map(([, port]) => port), `${INSIDE_PORT}`]).size).toBeGreaterThan(2)
  })

  it.each(['cone', 'symmetric', 'rst'] as const)('%s: lets in answers only', async nat => {
    const { router, host } = await home(nat)
    await tcp.listen(host, INSIDE_PORT)
    expect(await tcp.dial(host, OTHER_PORT, one.address, PORT)).toHaveProperty('as')
    const denied = nat === 'rst' ? refused : dropped
    const dials = [one, other].map(machine => tcp.dial(machine, INSIDE_PORT, router.address, INSIDE_PORT))
    expect(await Promise.all(dials)).toEqual([denied, denied])
  })

  it('restricted: lets in whoever was written to, from any port', async () => {
    const { router, host } = await home('restricted')
    await tcp.listen(host, INSIDE_PORT)
    const all = (): Promise<Dialled[]> =>
      Promise.all([one, other].map(machine => tcp.dial(machine, INSIDE_PORT, router.address, INSIDE_PORT)))
    expect(await all()).toEqual([dropped, dropped])
    expect(await tcp.dial(host, OTHER_PORT, one.address, PORT)).toHaveProperty('as')
    expect(await all()).toEqual([{ as: `${one.address}:${INSIDE_PORT}` }, dropped])
  })

  it('double: what is outside sees the address of the provider, and is let in by neither router', async () => {
    const carrier = internet.carrier('carrier', 'cone')
    const router = await internet.router('behind', 'cone', carrier)
    const host = router.host('deep')
    const seen = { as: `${carrier.address}:${INSIDE_PORT}` }
    expect(await seenBy(host)).toEqual([seen, seen, seen])
    expect(router.address).toMatch(/^100\.64\.0\./)
    await tcp.listen(host, INSIDE_PORT)
    expect(await tcp.dial(one, INSIDE_PORT, carrier.address, INSIDE_PORT)).toEqual(dropped)
  })

  it('two hosts behind one router: one address outside, and straight to each other', async () => {
    const { router, host } = await home('cone')
    const second = router.host('second')
    await tcp.listen(second, INSIDE_PORT)
    expect(await tcp.dial(host, INSIDE_PORT, second.address, INSIDE_PORT)).toEqual({
      as: `${host.address}:${INSIDE_PORT}`
    })
    expect(await tcp.dial(host, OTHER_PORT, one.address, PORT)).toEqual({ as: `${router.address}:${OTHER_PORT}` })
    expect(await tcp.dial(second, PORT, one.address, PORT)).toEqual({ as: `${router.address}:${PORT}` })
  })

  it('two homes have the same network inside, and an address of their own outside', async () => {
    const [a, b] = [await home('cone'), await home('cone')]
    expect(a.host.address).toBe(b.host.address)
    expect(a.router.address).not.toBe(b.router.address)
  })

  it('cone to cone: when both begin at once the connection is made, by neither alone', async () => {
    const [a, b] = [await home('cone'), await home('cone')]
    // From another port: what is left of a try in vain would be in the way.
    expect(await tcp.dial(a.host, OTHER_PORT, b.router.address, OTHER_PORT)).toEqual(dropped)
    const seen = [a, b].map(({ router }) => ({ as: `${router.address}:${INSIDE_PORT}` }))
    expect(await punch(a, b)).toEqual(seen)
  })

  it('cone to symmetric: beginning at once does not help', async () => {
    expect(await punch(await home('cone'), await home('symmetric'))).toEqual([dropped, dropped])
  })

  it.skipIf(lackingUpnp !== undefined)(
    `upnp: opens a port to who asks for it (${lackingUpnp ?? 'miniupnpd'})`,
    async () => {
      const { router, host } = await home('upnp')
      await tcp.listen(host, INSIDE_PORT)
      expect(await tcp.dial(one, INSIDE_PORT, router.address, INSIDE_PORT)).toEqual(dropped)
      expect(router.mappings()).toEqual([])
      expect(await tcp.map(host, INSIDE_PORT, '192.168.1.1')).toMatchObject({ result: 0, port: INSIDE_PORT })
      expect(router.mappings()).toEqual([INSIDE_PORT])
      expect(await tcp.dial(one, OPEN_PORT, router.address, INSIDE_PORT)).toEqual({ as: `${one.address}:${OPEN_PORT}` })
    }
  )
})
