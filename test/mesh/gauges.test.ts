import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { fingerprintOf, peerIdOf, publicKeyOf, toHex } from '../../src/protocol/index.ts'
import { PUBLIC_KEY_BYTES } from '../../src/protocol/limits.ts'
import { type Member, twoMembers, type World } from './world.ts'

/** Collections that no peer can make grow, and why. Every other one has its gauge. */
const FIXED: Readonly<Record<string, string>> = {
  'control/rpc.ts #calls': 'calls of this machine, at most OPEN_CALLS_MAX',
  'control/rpc.ts #handlers': 'our own methods',
  'control/rpc.ts #serving': 'calls of the owner on this machine',
  'mesh/delivery.ts #owed': 'rows that wait for their dispatch and were shown, at most TOTAL_MAX_ENTRIES',
  'mesh/delivery.ts #turns': 'one for each dispatch under way, at most DISPATCHES_MAX',
  'mesh/inbox-caps.ts #spent': 'lives while one batch is kept',
  'mesh/outbox-acts.ts #retried': 'one for each call of the owner under way',
  'mesh/outbox-caps.ts #instances': 'lives while one batch is placed',
  'mesh/route-table.ts #labels': 'admitted instances, which have their gauges',
  'mesh/shares.ts #taken': 'one for each dispatch under way, at most DISPATCHES_MAX',
  'mesh/shares.ts #waiting': 'instances with messages waiting, which have their gauges',
  'mesh/tiers.ts #notifyOnly': 'instances that the settings name',
  'mesh/tiers.ts #tools': 'tools that the settings name',
  'mesh/trust.ts #allowed': 'instances that the settings name',
  'mesh/trust.ts #listeners': 'our own parts, at most LISTENERS_MAX',
  'mesh/trust.ts #petnames': 'whom the owner named',
  'node/bootstrap.ts #timers': 'one for each peer in the settings',
  'node/bootstrap.ts #trying': 'peers in the settings',
  'node/gossip.ts #topologies': 'the protocols of gossipsub',
  'node/issues.ts #sentences': 'one for each kind of trouble and each address in the settings',
  'node/links.ts #links': 'streams of one peer, at most LINK_STREAMS_MAX',
  'node/links.ts #timers': 'one for each of two links that were opened at once',
  'node/listening.ts #trying': 'addresses in the settings',
  'node/listening.ts #waiting': 'addresses in the settings',
  'node/mdns-group.ts #health': 'interfaces of this machine, at most LANS_MAX',
  'node/port-mapping-router.ts #leases': 'our own listeners in the networks of this machine, at most LEASES_MAX',
  'openclaw/pairing.ts #done': 'entries of the host that are not gone yet, of which an owner makes few',
  'openclaw/pairing.ts #queued': 'requests that the store keeps, at most 64',
  'openclaw/session-turns.ts #causes': 'one for each turn under way, which the mesh bounds',
  'openclaw/session-turns.ts #ends': 'one for each dispatch under way, which the mesh bounds',
  'protocol/verified-roots.ts #roots': 'has its gauge where it is used',
  'settings/repair.ts #moved': 'keys of the settings',
  'settings/repair.ts #settings': 'keys of the settings',
  'standalone/json-lines.ts #waiting': 'dispatches under way, which the mesh bounds',
  'store/quarantine.ts #counts': 'the tables',
  'store/quarantine.ts #removals': 'the tables'
}

const SRC = new URL('../../src', import.meta.url).pathname
/** Made where it is declared, or declared as one and made later. */
const FIELD = /^ {2}(?:readonly )?#?(\w+)(?:(?:: [^=(\n]+)? = new (?:Map|Set)\b|: (?:Map|Set)<)/gm

it('S-12: every collection that a part keeps is in the list of gauges or can be grown by no peer', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
  const found = files.flatMap(file => {
    const text = readFileSync(join(SRC, file), 'utf8')
    const gauges = /^ {2}gauges\([^)]*\): Gauge\[\] \{$(.*?)^ {2}\}$/ms.exec(text)?.[1] ?? ''
    return [...text.matchAll(FIELD)].map(([, name = '']) => ({
      field: `${file.replaceAll('\\', '/')} #${name}`,
      gauged: gauges.includes(`#${name}.`)
    }))
  })
  expect(found.length).toBeGreaterThan(30)
  const ungauged = found.filter(({ gauged }) => !gauged).map(({ field }) => field)
  expect(ungauged.toSorted()).toEqual(Object.keys(FIXED).toSorted())
})

let world: World
let alice: Member
let bob: Member

beforeEach(async () => {
  ;({ world, alice, bob } = await twoMembers())
})

afterEach(() => world.end())

it('S-12: after 3,000 names that came, asked and went, every gauge is within its bound and says so in the status', {
  timeout: 60_000
}, async () => {
  await world.join(alice, bob)
  const handler = world.handlerOf(alice)
  for (let number = 0; number < 3_000; number++) {
    const key = new Uint8Array(PUBLIC_KEY_BYTES).fill(1)
    new DataView(key.buffer).setUint32(0, number)
    const peer = peerIdOf(key)
    const address = `/ip4/10.${number >> 16}.${(number >> 8) & 255}.${number & 255}/tcp/4001`
    handler.discovered(peer, [address])
    handler.connected(peer, 'lan', address)
    handler.refused(peer, { ...handler.hello(peer), admitted: false, label: `sybil-${number}` })
    const purpose = toHex(key.subarray(0, 4))
    if (number % 20 === 0) await handler.asked(peer, address, { kind: 'contact', label: `sybil-${number}`, purpose })
    handler.disconnected(peer)
  }
  const { gauges } = await alice.ask.status({})
  expect(gauges.length).toBeGreaterThan(20)
  expect(gauges.filter(({ size, max }) => size > max)).toEqual([])
  expect(new Set(gauges.map(({ name }) => name)).size).toBe(gauges.length)
  const of = (wanted: string) => gauges.find(({ name }) => name === wanted)
  expect(of('routes of strangers')).toEqual({ name: 'routes of strangers', size: 256, max: 256 })
  expect(of('sightings')).toMatchObject({ size: 256 })
  expect(of('routes')).toMatchObject({ size: 1 })
  expect((await alice.ask.requests({})).length).toBeLessThanOrEqual(64)
  expect(alice.store.routes.load().map(({ instance }) => instance)).toEqual([fingerprintOf(publicKeyOf(bob.peer))])
})
