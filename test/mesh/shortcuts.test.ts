import { expect, it } from 'vitest'
import type { Connected, Path } from '../../src/mesh/ports.ts'
import { Shortcuts } from '../../src/mesh/shortcuts.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeLog } from '../fakes/log.ts'

const PEER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const RELAY = '/ip4/45.0.0.10/tcp/4001/p2p/12D3KooWEFFfnKbNgtDvJoQ1Q4kF7Z3Z1qW2Jr3q6Qx9oQ4Q4Q4Q/p2p-circuit'
const HERE = '/ip4/46.0.0.10/tcp/4001'
const THERE = '/ip4/47.0.0.10/tcp/4001'

/** Every try waits until it is ended. */
function setUp({ path = 'relayed', linked = true }: { path?: Path; linked?: boolean } = {}) {
  const connection: Connected = { peer: PEER, path, address: RELAY, linked }
  const connections = [connection]
  const tries: { peer: string; addresses: string[]; end: (error?: Error) => void; signal: AbortSignal | undefined }[] =
    []
  const network = {
    connections: () => connections,
    straighten: (peer: string, addresses: string[], options: { signal?: AbortSignal } = {}) =>
      new Promise<void>((resolve, reject) => {
        tries.push({
          peer,
          addresses,
          signal: options.signal,
          end: error => (error === undefined ? resolve() : reject(error))
        })
      })
  }
  const log = new FakeLog()
  const clock = new FakeClock()
  return { connection, connections, tries, clock, shortcuts: new Shortcuts({ network, clock, log }) }
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

it('tries the straight ones of the addresses of a peer whose link runs through a relay', () => {
  const { tries, shortcuts } = setUp()
  shortcuts.news(PEER, [RELAY, HERE])
  expect(tries.map(({ addresses }) => addresses)).toEqual([[HERE]])
})

it.each([
  ['that is reached straight', { path: 'direct' }, [HERE]],
  ['in the own network', { path: 'lan' }, [HERE]],
  ['without a link', { linked: false }, [HERE]],
  ['that has no straight address', {}, [RELAY]]
] as const)('leaves a peer alone %s', (_, init, addresses) => {
  const { tries, shortcuts } = setUp(init)
  shortcuts.news(PEER, [...addresses])
  expect(tries).toEqual([])
})

it('S-16: tries what came up meanwhile, the latest, ten seconds after a try in vain, however often the peer says where it is', async () => {
  const { connection, tries, clock, shortcuts } = setUp()
  shortcuts.news(PEER, [HERE])
  tries[0]?.end(new Error('nobody there'))
  for (let number = 0; number < 100; number++) {
    shortcuts.news(PEER, [`/ip4/46.0.0.10/tcp/${5_000 + number}`])
    await clock.advance(90)
  }
  expect(tries.length).toBe(1)
  shortcuts.news(PEER, [THERE])
  await clock.advance(2_000)
  expect(tries.map(({ addresses }) => addresses)).toEqual([[HERE], [THERE]])
  shortcuts.news(PEER, [HERE])
  connection.path = 'direct'
  tries[1]?.end()
  await expect.poll(() => clock.sleeping).toBe(1)
  await clock.advance(10_000)
  await expect.poll(() => shortcuts.gauges()[0]?.size).toBe(0)
  expect(tries.length).toBe(2)
})

it('stops with the mesh', () => {
  const { connection, tries, shortcuts } = setUp()
  shortcuts.news(PEER, [HERE])
  shortcuts.stop()
  expect(tries[0]?.signal?.aborted).toBe(true)
  connection.peer = '12D3KooWother'
  shortcuts.news('12D3KooWother', [HERE])
  expect(tries.length).toBe(1)
})

it('has a cap, for those that are tried at once and for those that are remembered', async () => {
  const { tries, shortcuts, connection } = setUp()
  let ended = 0
  for (let number = 0; number < 300; number++) {
    connection.peer = `${PEER}${number}`
    shortcuts.news(connection.peer, [HERE])
    expect(tries.length - ended).toBeLessThanOrEqual(8)
    if (number < 8) continue
    for (const { end } of tries.slice(ended)) end(new Error('nobody there'))
    ended = tries.length
    await turn()
  }
  expect(tries.length).toBe(128)
  const [gauge] = shortcuts.gauges()
  expect(gauge?.size).toBe(gauge?.max)
})

/** The links of twenty peers come up at once, as when a relay is back. */
function crowd() {
  const world = setUp()
  const peers = Array.from({ length: 20 }, (_, number) => `${PEER}${number}`)
  world.connections.splice(0, 1, ...peers.map(peer => ({ ...world.connection, peer })))
  for (const peer of peers) world.shortcuts.news(peer, [HERE])
  return { ...world, peers }
}

it('tries eight peers at once, and the others when their turn comes', async () => {
  const { tries, peers } = crowd()
  expect(tries.length).toBe(8)
  for (let ended = 0; ended < peers.length; ended++) {
    tries[ended]?.end(new Error('nobody there'))
    await turn()
    expect(tries.length).toBe(Math.min(ended + 9, peers.length))
  }
  expect(tries.map(({ peer }) => peer)).toEqual(peers)
})

it('tries nobody any more who is gone or reached straight when its turn comes, and the latest of what came up meanwhile', async () => {
  const { connections, tries, shortcuts, peers } = crowd()
  const [gone = '', straight = '', next = ''] = peers.slice(8)
  connections.splice(8, 2, { peer: straight, path: 'direct', address: HERE, linked: true })
  shortcuts.news(next, [THERE])
  expect(tries.length).toBe(8)
  tries[0]?.end()
  await turn()
  expect(tries.slice(8)).toMatchObject([{ peer: next, addresses: [THERE] }])
  // It may come back as if it had never waited.
  connections.push({ peer: gone, path: 'relayed', address: RELAY, linked: true })
  shortcuts.news(gone, [THERE])
  for (const { end } of tries) end()
  await expect.poll(() => tries.length).toBe(17)
  for (const { end } of tries) end()
  await expect.poll(() => tries.map(({ peer }) => peer)).toContain(gone)
})

it('begins with nobody who waits once the mesh stops', async () => {
  const { tries, shortcuts } = crowd()
  shortcuts.stop()
  for (const { end } of tries) end(new Error('stopped'))
  await turn()
  expect(tries.length).toBe(8)
})
