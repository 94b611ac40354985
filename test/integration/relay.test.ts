import { once } from 'node:events'
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Libp2p } from '@libp2p/interface'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandbox, type Sandbox } from '../host/harness/sandbox.ts'
import { HOP_OK, HOP_PERMISSION_DENIED, rawReserve } from '../node/raw-hop.ts'
import { RelayWorld, roundTrip } from '../node/relay-world.ts'
import { runBin, startBareNode } from './harness/bare-node.ts'
import { type RelayProcess, startRelay } from './harness/relay.ts'

/** What is promised is 2 s; the rest is for a machine with other work. */
const STOP_MAX_MS = 4_000

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

let sandbox: Sandbox
let world: RelayWorld
let friend: Libp2p
let stranger: Libp2p

beforeAll(async () => {
  sandbox = await createSandbox('relay')
  world = new RelayWorld()
  friend = await world.client()
  stranger = await world.client()
})

afterAll(async () => {
  await world?.end()
  await sandbox?.[Symbol.asyncDispose]()
})

async function relayFor(name: string, ...words: string[]): Promise<RelayProcess> {
  const relay = await startRelay(sandbox, { name, words })
  await world.start(relay.address)
  return relay
}

const refused = async (...words: string[]): Promise<string> => {
  const state = await sandbox.folder('refused', 'state')
  const { code, stdout, stderr } = await runBin(sandbox, ['relay', '--state', state, ...words])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  return stderr
}

describe('libp2p-mesh relay', () => {
  it('S-14: carries for whom it is told to, says what it did, and ends within 2 s', async () => {
    const relay = await relayFor(
      'allow',
      '--allow',
      `12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust,${friend.peerId}`
    )
    expect(relay.address).toMatch(new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/\\d+/p2p/${relay.peerId}$`))
    expect(await rawReserve(stranger, relay.address)).toBe(HOP_PERMISSION_DENIED)
    expect(await relay.events.next('refused')).toEqual({
      event: 'refused',
      what: 'reservation',
      peer: `${stranger.peerId}`,
      reason: 'not admitted'
    })
    await world.reserve(friend)
    expect(await relay.events.next('reservation')).toEqual({
      event: 'reservation',
      peer: `${friend.peerId}`,
      state: 'made'
    })
    await roundTrip(await world.call(stranger, friend), 1024 * 1024)
    const { code, ms } = await relay.stop()
    expect(code).toBe(0)
    expect(ms).toBeLessThan(STOP_MAX_MS)
    const usage = await relay.events.next('usage')
    expect(usage).toMatchObject({
      reservations: { used: 1, max: 256 },
      circuits: 1,
      refused: { reservations: 1, circuits: 0 }
    })
    expect((usage['today'] as { bytes: number }).bytes).toBeGreaterThan(2 * 1024 * 1024)
    expect(relay.events.strays).toEqual([])
  })

  it('takes a message to a node that holds a reservation, from one that knows no other way', async () => {
    const known = await startBareNode(sandbox, { name: 'held' })
    await known.stop()
    const relay = await relayFor('carrier', '--allow', known.instanceId)
    const held = await startBareNode(sandbox, { name: 'held', settings: { relayList: [relay.address] } })
    expect(await relay.events.next('reservation')).toMatchObject({ peer: held.peerId, state: 'made' })
    const way = `${relay.address}/p2p-circuit/p2p/${held.peerId}`
    const caller = await startBareNode(sandbox, { name: 'caller', settings: { bootstrapList: [way] } })
    await held.ask(['approve', caller.instanceId])
    await caller.ask(['approve', held.peerId])
    await caller.ask(['send', held.peerId, 'over the relay', '--wait', 'received', '--timeout', '30000'])
    expect(await held.events.next('message')).toMatchObject({ text: 'over the relay', fromPeerId: caller.peerId })
    await Promise.all([caller.stop(), held.stop()])
    expect(await relay.events.next('reservation', event => event['state'] === 'ended')).toMatchObject({
      reason: 'gone'
    })
    await relay.stop()
    const usage = await relay.events.next('usage')
    const { peers } = usage['today'] as { peers: { peer: string }[] }
    expect(peers.map(({ peer }) => peer).toSorted()).toEqual([caller.peerId, held.peerId].toSorted())
  })

  it('with --open carries for anybody, and keeps its name over a restart and its key to itself', async () => {
    const relay = await relayFor('open', '--open')
    expect(await rawReserve(stranger, relay.address)).toBe(HOP_OK)
    if (process.platform !== 'win32')
      expect(statSync(join(relay.stateDir, 'libp2p', 'identity.key')).mode & 0o777).toBe(0o600)
    expect(await runBin(sandbox, ['relay', '--state', relay.stateDir, '--listen', LOOPBACK, '--open'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/The state directory is in use by another process.*libp2p-mesh relay/)
    })
    expect(await relay.stop('SIGINT')).toMatchObject({ code: 0 })
    const again = await relayFor('open', '--open')
    expect(again.peerId).toBe(relay.peerId)
    await again.stop()
  })

  it('refuses to start where its port is taken, and says what to do', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as { port: number }
    expect(await refused('--listen', `/ip4/127.0.0.1/tcp/${port}`, '--open')).toContain(
      `Cannot listen on /ip4/127.0.0.1/tcp/${port}: the port is taken by another program. Stop what has it, or choose another address with --listen.\n`
    )
    holder.close()
  })

  it('runs with an announced address that only its network can reach, and warns', async () => {
    const relay = await relayFor('near', '--open', '--announce', '/ip4/127.0.0.1/tcp/4001')
    expect(relay.address).toBe(`/ip4/127.0.0.1/tcp/4001/p2p/${relay.peerId}`)
    expect(relay.stderr()).toContain(
      'warning: /ip4/127.0.0.1/tcp/4001 is no public address, so only machines of that network find the relay there.\n'
    )
    await relay.stop()
  })
})
