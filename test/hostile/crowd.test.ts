import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, it, vi } from 'vitest'
import { Attacker } from './attacker.ts'
import { portOf, type Scene, useScene } from './scene.ts'

const WAIT = { timeout: 20_000, interval: 50 }

/** Silent sockets, addresses that they come from, and half handshakes. */
const IDLE = 400
const HOSTS = 40
const HALF = 40
const RSS_MAX_MIB = 64

/** Keys that dial at the same time, and strangers that one address may have: docs/protocol.md, section 14.2. */
const CROWD = 30
const PER_HOST = 8

/** Names in turn, more than the 256 strangers that are remembered, and how many of them at a time. */
const NAMES = 270
const REMEMBERED = 256
const AT_ONCE = 5

let scene: Scene
useScene(created => {
  scene = created
})

const linkEnds = (): number =>
  scene.victim.node.events.all.filter(
    ({ event, state, peerId }) => event === 'peer' && state === 'disconnected' && peerId === scene.honest.node.peerId
  ).length

async function silent(number: number, bytes?: Uint8Array): Promise<Socket> {
  const localAddress = `127.0.1.${1 + (number % HOSTS)}`
  const socket = connect({ port: portOf(scene.victim.node), host: '127.0.0.1', localAddress })
  socket.on('error', () => undefined)
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  if (bytes !== undefined) socket.write(bytes)
  return socket
}

it('S-10: silent sockets, half handshakes and peers that do not read keep nobody out, and end', async () => {
  const before = scene.rssMiB()
  const half = new TextEncoder().encode('\u0013/multistream/1.0.0')
  const sockets = await Promise.all([
    ...Array.from({ length: IDLE }, (_, number) => silent(number)),
    ...Array.from({ length: HALF }, (_, number) => silent(number, half))
  ])
  const { mallory: deaf, link } = await scene.paired()
  link.stream.pause()
  const startMs = performance.now()
  const { mallory, link: other } = await scene.paired()
  const content = mallory.content(scene.victim.node, 'through the crowd')
  other.send(mallory.seal(content))
  await other.told(content.id, 'delivered none')
  await scene.honestWorks()
  expect(performance.now() - startMs).toBeLessThan(10_000)
  // 8 MiB for somebody who takes nothing: they wait in the outbox, not in memory.
  for (let i = 0; i < 256; i++) {
    const text = `${i} `.padEnd(32_000, 'x')
    await scene.victim.call('send', { target: deaf.peerId, text, waitFor: 'received', timeoutMs: 0 })
  }
  expect(scene.rssMiB() - before).toBeLessThan(RSS_MAX_MIB)
  await vi.waitFor(() => expect(sockets.filter(socket => !socket.closed && !socket.readableEnded).length).toBe(0), WAIT)
  for (const socket of sockets) socket.destroy()
  await scene.victim.call('forget', { who: deaf.peerId })
})

it('S-11: a crowd of keys at one address gets its few connections, and the link of a friend stays', async () => {
  const before = linkEnds()
  const crowd: Attacker[] = []
  for (let number = 0; number < CROWD; number++) {
    const stranger = await scene.attacker()
    crowd.push(stranger)
    await stranger.connect(scene.victim.node).catch(() => undefined)
    if (number % 10 === 0) await scene.honestWorks()
  }
  const greedy = crowd.at(-1)
  const { addresses } = scene.victim.node
  await Promise.allSettled(
    Array.from({ length: 12 }, async () =>
      greedy?.libp2p.dial((await import('@multiformats/multiaddr')).multiaddr(addresses[0] ?? ''), { force: true })
    )
  )
  await vi.waitFor(() => {
    const open = crowd.flatMap(({ libp2p }) => libp2p.getConnections())
    expect(open.length).toBeLessThanOrEqual(PER_HOST)
  }, WAIT)
  expect(await scene.gauge('connections of strangers')).toBeLessThanOrEqual(PER_HOST)
  expect(linkEnds()).toBe(before)
  for (const stranger of crowd) await stranger.stop()
})

it('S-12: what is remembered of strangers that come and go has an end', async () => {
  const before = scene.rssMiB()
  const one = async (number: number): Promise<void> => {
    const stranger = await Attacker.create({ label: `stranger ${number}` })
    try {
      const link = await stranger.link(scene.victim.node)
      await Promise.race([link.greeted().catch(() => false), link.ended])
    } catch {
      // One too many in this second: it comes again under another name.
    } finally {
      await stranger.stop()
    }
  }
  for (let number = 0; number < NAMES; number += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => one(number + i)))
  const remembered = await scene.gauge('routes of strangers')
  expect(remembered).toBeGreaterThan(REMEMBERED / 2)
  expect(remembered).toBeLessThanOrEqual(REMEMBERED)
  expect((await scene.victim.call('peers', {})).length).toBeLessThanOrEqual(REMEMBERED + 10)
  await vi.waitFor(async () => expect(await scene.gauge('connections of strangers')).toBe(0), WAIT)
  expect(await scene.gauge('peers with streams')).toBeLessThan(10)
  expect(scene.rssMiB() - before).toBeLessThan(RSS_MAX_MIB)
})
