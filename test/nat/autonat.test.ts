import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { setup as buildProgram } from '../integration/harness/built.ts'
import type { Customer } from './customer.ts'
import { Internet } from './internet.ts'
import { Member } from './member.ts'
import { missing } from './missing.ts'
import { bundle } from './nodes.ts'
import { Tcp } from './tcp.ts'
import { until } from './until.ts'
import { UPNP_DAEMON } from './upnp-daemon.ts'

const PORT = 4_001

/** Three seconds until somebody is asked, five for a dial that is dropped, and the machine has other work. */
const VERDICT_MAX_MS = 45_000

const OPEN = {
  dmPolicy: 'open',
  allowFrom: ['*'],
  discovery: 'bootstrap',
  enableUPnP: false,
  listenAddrs: [`/ip4/0.0.0.0/tcp/${PORT}`]
}

const lacking = missing('iptables')

describe.skipIf(lacking !== undefined)(`AutoNAT (${lacking ?? 'iptables'})`, () => {
  let internet: Internet
  let asked: Member
  const others: Member[] = []
  let names = 0

  beforeAll(async () => {
    await buildProgram()
    internet = await Internet.create()
  })

  afterEach(async () => {
    await Promise.all(others.splice(0).map(other => other.stop()))
  })

  afterAll(async () => {
    await internet[Symbol.asyncDispose]()
  })

  async function start(machine: Customer, settings: Record<string, unknown> = {}): Promise<Member> {
    const name = `node-${++names}`
    const member = await Member.create(internet.sandbox, { name, machine, settings: { ...OPEN, ...settings } })
    await member.start()
    others.push(member)
    return member
  }

  /** One more node, which knows two public ones. */
  async function startAmong(machine: Customer, settings: Record<string, unknown> = {}): Promise<void> {
    const bootstrapList: string[] = []
    for (const other of [internet.machine(`public-${++names}`), internet.machine(`public-${++names}`)]) {
      const { peerId } = await start(other)
      bootstrapList.push(`/ip4/${other.address}/tcp/${PORT}/p2p/${peerId}`)
    }
    asked = await start(machine, { bootstrapList, ...settings })
  }

  const verdict = (wanted: string): Promise<{ verdict: string }> =>
    until(
      () => `verdict ${wanted}`,
      VERDICT_MAX_MS,
      async () => {
        const { addresses, reachability } = await asked.call('netcheck', {})
        return addresses.some(each => each.verdict === wanted) ? reachability : undefined
      }
    )

  it('S1.35: a machine that anybody can dial is found to be public, by who dialled it', async () => {
    const machine = internet.machine(`open-${++names}`)
    await startAmong(machine)
    expect(await verdict('reachable')).toEqual({
      verdict: 'public',
      reason: `AutoNAT: ${machine.address} port ${PORT} was dialled back by another node.`
    })
    // The connections that were made for it are gone, and the links are what they were.
    expect((await asked.call('status', {})).peers).toBe(2)
    const [target] = others
    const sent = await asked.call('send', { target: target?.peerId ?? '', text: 'after', waitFor: 'delivered' })
    expect(sent).toMatchObject({ level: 'delivered', path: 'direct' })
    expect(await asked.call('netcheck', {})).toMatchObject({ natMapping: { kind: 'none' } })
  })

  it('S1.35: behind a firewall it is found to be private', async () => {
    const machine = internet.machine(`closed-${++names}`)
    machine.run('iptables', '-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'ACCEPT')
    machine.run('iptables', '-A', 'INPUT', '-i', 'v0', '-j', 'DROP')
    await startAmong(machine)
    expect(await verdict('unreachable')).toEqual({
      verdict: 'private',
      reason: `AutoNAT: another node could not connect to ${machine.address} port ${PORT}.`
    })
    expect((await asked.call('status', {})).peers).toBe(2)
  })

  it.skipIf(missing(UPNP_DAEMON) !== undefined)(
    'S1.35, S1.36: the port that the router opened is tried by another node, and found to work',
    async () => {
      const router = await internet.router(`upnp-${++names}`, 'upnp')
      await startAmong(router.host(`home-${++names}`), { enableUPnP: true })
      expect(await verdict('reachable')).toEqual({
        verdict: 'public',
        reason: `AutoNAT: ${router.address} port ${PORT} was dialled back by another node.`
      })
    }
  )

  it('S1.35: without it nobody is asked', async () => {
    const machine = internet.machine(`unasked-${++names}`)
    await startAmong(machine, { enableAutoNAT: false })
    await until(
      () => 'links',
      VERDICT_MAX_MS,
      async () => ((await asked.call('status', {})).peers === 2 ? true : undefined)
    )
    // Longer than the others take to know.
    await new Promise(resolve => setTimeout(resolve, 5_000))
    const { addresses, reachability } = await asked.call('netcheck', {})
    expect(addresses).toEqual([{ address: `/ip4/${machine.address}/tcp/${PORT}`, verdict: 'unknown' }])
    expect(reachability.reason).toContain('without AutoNAT nobody outside is asked')
  })

  it('S-16: a stranger has nobody else dialled, and itself at four addresses of a question', async () => {
    const server = internet.machine(`asked-${++names}`)
    const victim = internet.machine(`victim-${++names}`)
    const stranger = internet.machine(`stranger-${++names}`)
    const tcp = await Tcp.create(internet.sandbox)
    const decoys = await Promise.all([victim, stranger].map(machine => tcp.listen(machine, PORT)))
    const { peerId } = await start(server, { dmPolicy: 'allowlist', allowFrom: [] })
    const target = `/ip4/${server.address}/tcp/${PORT}/p2p/${peerId}`
    const program = await bundle(internet.sandbox, 'autonat-asker.ts')
    const answersTo = async (...named: string[]): Promise<unknown[]> => {
      const { events } = await stranger.start(process.execPath, [program, target, ...named])
      await events.next('end')
      return events.all.filter(({ event }) => event === 'answer').map(({ what }) => what)
    }
    const others = [`/ip4/${victim.address}/tcp/${PORT}`, `/ip4/127.0.0.1/tcp/${PORT}`, '/ip4/192.168.1.1/tcp/8080']
    expect(await answersTo(...others)).toEqual(['refused', 'refused', 'refused'])
    expect(await answersTo(`/ip4/${stranger.address}/tcp/${PORT}`)).toEqual(['dialled'])
    const [atVictim, atStranger] = decoys.map(({ events }) => events.all.filter(({ event }) => event === 'connection'))
    expect(atVictim).toEqual([])
    expect(atStranger?.length).toBe(1)
    const ports = Array.from({ length: 20 }, (_, number) => `/ip4/${stranger.address}/tcp/${5_000 + number}`)
    const many = await answersTo(...ports)
    expect(many.filter(what => what === 'dialled')).toHaveLength(4)
    expect(many.filter(what => what === 'refused')).toHaveLength(16)
  })

  it.each([
    ['cone', 'same'],
    ['symmetric', 'different']
  ] as const)(
    'behind a %s router others see connections of this machine come from ports that are: %s',
    async (nat, kind) => {
      const router = await internet.router(`router-${++names}`, nat)
      await startAmong(router.host(`inside-${++names}`))
      const { natMapping, reachability } = await until(
        () => 'two tellers',
        VERDICT_MAX_MS,
        async () => {
          const found = await asked.call('netcheck', {})
          return found.natMapping.seen.length === 2 ? found : undefined
        }
      )
      expect(natMapping.kind).toBe(kind)
      expect(reachability.verdict).toBe('private')
    }
  )
})
