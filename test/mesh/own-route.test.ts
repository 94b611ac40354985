import { beforeEach, expect, it } from 'vitest'
import { OwnRoute } from '../../src/mesh/own-route.ts'
import {
  type Content,
  decodeContent,
  decodeRouteRecord,
  ROUTE_TTL_MS,
  type RouteRecord,
  verifyEnvelope
} from '../../src/protocol/index.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeStore } from '../fakes/store.ts'

const me = new FakeInstance('me')
const bob = new FakeInstance('bob')

let clock: FakeClock
let store: FakeStore
let addresses: string[]
let label: string

beforeEach(() => {
  clock = new FakeClock()
  store = new FakeStore()
  addresses = Array.from({ length: 12 }, (_, i) => `/ip4/192.0.2.${i}/tcp/4001/p2p/${me.peer}`)
  label = 'me'
})

const open = (): OwnRoute =>
  new OwnRoute(
    {
      network: {
        peer: me.peer,
        addresses: by => (by === undefined ? addresses : addresses.filter(address => !address.startsWith('/ip4/10.')))
      },
      store,
      signer: me.signer,
      clock
    },
    { self: me.instance, label: () => label }
  )

async function recordOf(route: OwnRoute, near = true): Promise<{ content: Content; record: RouteRecord }> {
  const envelope = await route.envelopeFor(bob.instance, { near })
  expect(await verifyEnvelope(envelope, me.signer.publicKey, me.signer.verify.bind(me.signer))).toBe(true)
  const content = decodeContent(envelope.signed)
  if (content.body.type !== 'plain') throw new Error('no record')
  return { content, record: decodeRouteRecord(content.body.bytes) }
}

it('is a signed envelope for one instance, with eight addresses and a day of life', async () => {
  const { content, record } = await recordOf(open())
  expect(content).toMatchObject({ kind: 'route', from: me.instance, to: bob.instance })
  expect(record).toMatchObject({ peer: me.peer, seq: 2, addresses: addresses.slice(0, 8), label: 'me' })
  expect(record.expiresMs - record.issuedMs).toBe(ROUTE_TTL_MS)
})

it('S-02: the seq grows with every change, with half a day, and over a restart; not with every link', async () => {
  const route = open()
  const seqs = [(await recordOf(route)).record.seq, (await recordOf(route)).record.seq]
  addresses = addresses.slice(1)
  seqs.push((await recordOf(route)).record.seq)
  label = 'other'
  seqs.push((await recordOf(route)).record.seq)
  await clock.advance(ROUTE_TTL_MS / 2)
  seqs.push((await recordOf(route)).record.seq)
  seqs.push((await recordOf(open())).record.seq)
  expect(seqs).toEqual([2, 2, 4, 6, 8, 10])
})

it('S-29: who is not in the own network is not told the addresses there, and who comes into it hears them then', async () => {
  const route = open()
  addresses = ['/ip4/10.0.0.7/tcp/4001', '/ip4/9.9.9.9/tcp/4001']
  const far = (await recordOf(route, false)).record
  const near = (await recordOf(route, true)).record
  expect(far.addresses).toEqual(['/ip4/9.9.9.9/tcp/4001'])
  expect(near.addresses).toEqual(addresses)
  expect(near.seq).toBeGreaterThan(far.seq)
  expect((await recordOf(route, false)).record.seq).toBe(far.seq)
})
