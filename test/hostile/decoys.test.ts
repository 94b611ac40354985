import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { createScene, type Scene } from './scene.ts'

const WAIT = { timeout: 15_000, interval: 50 }

/** Nobody listens there, and that it is not loopback alone makes loopback a place where no peer may send this node. */
const ELSEWHERE = '/ip4/192.0.2.1/tcp/0'

let scene: Scene
let decoys: Server[]
let visits = 0
let port = 0

beforeAll(async () => {
  decoys = []
  for (const host of ['127.0.0.1', '127.0.0.2', '127.1.2.3']) {
    const server = createServer(socket => {
      visits++
      socket.destroy()
    })
    const listening = once(server, 'listening')
    server.listen(port, host)
    await listening
    port = (server.address() as { port: number }).port
    decoys.push(server)
  }
  scene = await createScene({ listenAddrs: ['/ip4/127.0.0.1/tcp/0', ELSEWHERE] })
})

afterEach(async () => {
  await scene.honestWorks()
})

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]()
  for (const server of decoys) server.close()
})

/** All of them lead to a decoy on this machine, if they lead anywhere. */
function hostile(): string[] {
  return [
    `/ip4/127.0.0.1/tcp/${port}`,
    `/ip4/127.0.0.2/tcp/${port}`,
    `/ip4/127.1.2.3/tcp/${port}`,
    `/ip4/0.0.0.0/tcp/${port}`,
    `/ip6/::1/tcp/${port}`,
    `/ip6/::ffff:127.0.0.1/tcp/${port}`,
    `/dns4/localhost/tcp/${port}`,
    `/dns/localhost/tcp/${port}`
  ]
}

it('S-16: no address that a peer names for itself is visited where it must not be', async () => {
  const { victim } = scene
  // Said by a route record, and by identify; wanted by a message of the owner.
  const { mallory, link } = await scene.paired({ announce: hostile() })
  link.send(mallory.route(victim.node, { seq: 1, addresses: hostile(), label: 'come here' }))
  await vi.waitFor(async () => {
    const peers = await victim.call('peers', {})
    expect(peers.find(({ peerId }) => peerId === mallory.peerId)?.name).toBe('come here')
  }, WAIT)
  await mallory.stop()
  const away = async (peer: string): Promise<void> =>
    vi.waitFor(async () => {
      const peers = await victim.call('peers', {})
      expect(peers.find(({ peerId }) => peerId === peer)?.path ?? null).toBeNull()
    }, WAIT)
  await away(mallory.peerId)
  const send = async (target: string): Promise<void> => {
    const sent = await victim.call('send', { target, text: 'where are you?', waitFor: 'received', timeoutMs: 2_000 })
    expect(sent.level).toBe('pending')
  }
  await send(mallory.peerId)

  // Said by a stranger that asks to be let in, and whom the owner lets in once it has gone.
  const stranger = await scene.attacker({ announce: hostile() })
  expect(await stranger.ask(victim.node, 'contact', { label: 'nice', purpose: 'to talk' })).toMatchObject({
    accepted: false
  })
  await stranger.stop()
  await away(stranger.peerId)
  await victim.call('approve', { who: stranger.peerId })
  await send(stranger.peerId)
  expect(visits).toBe(0)
})
