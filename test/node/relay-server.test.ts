import type { Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import type { RelayLimits } from '../../src/node/relay-server-limits.ts'
import {
  deafHolder,
  HOP_NO_RESERVATION,
  HOP_OK,
  HOP_PERMISSION_DENIED,
  HOP_RESERVATION_REFUSED,
  rawConnect,
  rawReservation,
  rawReserve
} from './raw-hop.ts'
import { RelayWorld, roundTrip } from './relay-world.ts'

const KIB = 1024
const MIB = 1024 * KIB
const DAY_MS = 86_400_000

let world: RelayWorld

async function start(limits: Partial<RelayLimits> = {}): Promise<void> {
  world = new RelayWorld(limits)
  await world.start()
}

afterEach(() => world.end())

const closed = (stream: Stream): Promise<void> =>
  new Promise(resolve => {
    stream.addEventListener('close', () => resolve())
    if (stream.status !== 'open') resolve()
  })

describe('a relay', () => {
  it('S-14: carries between anybody and a peer that it admits, without the limits of libp2p, and counts it for both', async () => {
    await start()
    const holder = await world.holder()
    const dialler = await world.client()
    const stream = await world.call(dialler, holder)
    await roundTrip(stream, 8 * MIB)
    const [connection] = dialler.getConnections(holder.peerId)
    expect(connection?.limits).toBeUndefined()
    const { today, circuits, reservations } = world.relay.usage()
    expect({ circuits, reservations }).toEqual({ circuits: 1, reservations: { used: 1, max: 32 } })
    expect(today.bytes).toBeGreaterThan(16 * MIB)
    // Each part is framed and encrypted on its way.
    expect(today.bytes).toBeLessThan(16 * MIB * 1.05)
    expect(today.peers.map(({ peer }) => peer).toSorted()).toEqual([`${dialler.peerId}`, `${holder.peerId}`].toSorted())
    expect(today.peers.map(({ bytes }) => bytes)).toEqual([today.bytes, today.bytes])
    await dialler.stop()
    await expect.poll(() => world.relay.usage().circuits).toBe(0)
  })

  it('S-14: refuses a stranger 100 of 100 times, and nobody is connected to it', async () => {
    await start()
    const stranger = await world.client()
    for (let round = 0; round < 100; round++)
      expect(await rawReserve(stranger, world.address)).toBe(HOP_PERMISSION_DENIED)
    expect(world.relay.usage()).toMatchObject({ reservations: { used: 0 }, refused: { reservations: 100 } })
    expect(world.events.at(-1)).toMatchObject({ event: 'refused', what: 'reservation', reason: 'not admitted' })
    const other = await world.client()
    expect(await rawConnect(other, world.address, stranger.peerId)).toMatchObject({ status: HOP_NO_RESERVATION })
  })

  it('S-14: has room for an honest peer after 1,000 rounds of reserving and leaving', {
    timeout: 300_000
  }, async () => {
    await start()
    // More peers than slots: each that stayed taken would be missed.
    const crowd = await Promise.all(Array.from({ length: 40 }, () => world.bare()))
    const made = () => world.events.filter(event => event.event === 'reservation' && event.state === 'made').length
    for (let round = 0; made() < 1_000; round++) {
      const one = crowd[round % crowd.length] as Libp2p
      await rawReserve(one, world.address)
      for (const connection of one.getConnections()) connection.abort(new Error('gone'))
      // What is refused came while the one before it was still leaving.
      expect(world.relay.usage().refused.reservations).toBeLessThan(100)
    }
    await expect.poll(() => world.relay.usage().reservations.used).toBe(0)
    const holder = await world.holder()
    await roundTrip(await world.call(await world.client(), holder), KIB)
  })

  it('S-14: has no more slots than it says, in all and for one address, and a refused one is free again', async () => {
    await start({ reservations: 3, reservationsPerHost: 2 })
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => world.client({ allowed: true })))
    if (one === undefined || two === undefined || three === undefined) throw new Error('no clients')
    expect(await rawReserve(one, world.address)).toBe(HOP_OK)
    expect(await rawReserve(two, world.address)).toBe(HOP_OK)
    expect(await rawReserve(three, world.address)).toBe(HOP_RESERVATION_REFUSED)
    // Who holds one renews it whatever else is full.
    expect(await rawReserve(one, world.address)).toBe(HOP_OK)
    await two.stop()
    await expect.poll(() => world.relay.usage().reservations.used).toBe(1)
    expect(await rawReserve(three, world.address)).toBe(HOP_OK)
  })

  it('keeps a reservation for its whole time after the last of several renewals', async () => {
    const reservationMs = 2_000
    await start({ reservationMs })
    const client = await world.client({ allowed: true })
    let renewedMs = 0
    for (let round = 0; round < 3; round++) {
      expect(await rawReserve(client, world.address)).toBe(HOP_OK)
      renewedMs = performance.now()
      if (round < 2) await new Promise(resolve => setTimeout(resolve, reservationMs / 3))
    }
    await expect.poll(() => world.relay.usage().reservations.used, { interval: 10 }).toBe(0)
    expect(performance.now() - renewedMs).toBeGreaterThan(reservationMs - 100)
    expect(world.events.map(event => ('state' in event ? event.state : ''))).toEqual([
      'made',
      'renewed',
      'renewed',
      'ended'
    ])
  })

  it('S-14: ends a connection whose peers have used up their day, says so, and carries again the next day', async () => {
    await start({ peerDayBytes: MIB })
    const holder = await world.holder()
    const dialler = await world.client({ allowed: true })
    await expect(roundTrip(await world.call(dialler, holder), 4 * MIB)).rejects.toThrow()
    const ended = world.events.find(({ event }) => event === 'circuit')
    expect(ended).toMatchObject({
      state: 'ended',
      peer: `${dialler.peerId}`,
      holder: `${holder.peerId}`,
      reason: 'holder'
    })
    expect(world.log.at('info')).toContain('ended a relayed connection')
    expect(world.relay.usage().today.bytes).toBe(MIB)
    await expect(world.call(dialler, holder)).rejects.toThrow()
    expect(world.events).toContainEqual({
      event: 'reservation',
      peer: `${holder.peerId}`,
      state: 'ended',
      reason: 'spent'
    })
    expect(world.relay.usage().reservations.used).toBe(0)
    expect(await rawReserve(holder, world.address)).toBe(HOP_RESERVATION_REFUSED)
    expect(world.events.at(-1)).toMatchObject({ event: 'refused', what: 'reservation', reason: 'holder' })
    world.nowMs += DAY_MS
    expect(await rawReserve(holder, world.address)).toBe(HOP_OK)
    await roundTrip(await world.call(dialler, holder), 16 * KIB)
    expect(world.relay.usage().today.bytes).toBeLessThan(MIB)
  })

  it('S-14: lets strangers use up their part of a day only, and carries all that it may for all together', async () => {
    await start({ strangersDayBytes: MIB, dayBytes: 4 * MIB })
    const holder = await world.holder()
    const [stranger, second, friend] = [
      await world.client(),
      await world.client(),
      await world.client({ allowed: true })
    ]
    await expect(roundTrip(await world.call(stranger, holder), 2 * MIB)).rejects.toThrow()
    await expect(world.call(second, holder)).rejects.toThrow()
    expect(world.events.at(-1)).toMatchObject({ what: 'circuit', peer: `${second.peerId}`, reason: 'strangers' })
    await roundTrip(await world.call(friend, holder), MIB / 2)
    await expect(roundTrip(await world.call(friend, holder), 4 * MIB)).rejects.toThrow()
    expect(world.events.findLast(({ event }) => event === 'circuit')).toMatchObject({ reason: 'day' })
  })

  it('S-14: ends what runs for a peer that is shut out, on either side', async () => {
    await start()
    const [holder, other] = [await world.holder(), await world.holder()]
    const friend = await world.client({ allowed: true })
    const [first, second] = [await world.call(friend, holder), await world.call(friend, other)]
    world.allowed.delete(`${holder.peerId}`)
    await closed(first)
    expect(second.status).toBe('open')
    await expect.poll(() => world.relay.usage().reservations.used).toBe(1)
    expect(world.events).toContainEqual({
      event: 'reservation',
      peer: `${holder.peerId}`,
      state: 'ended',
      reason: 'revoked'
    })
    await expect(world.call(friend, holder)).rejects.toThrow()
    world.allowed.delete(`${friend.peerId}`)
    await closed(second)
    // As a stranger it may still come to somebody who holds a reservation, and is refused there.
    await roundTrip(await world.call(friend, other), KIB)
  })

  it('S-14: has no more connections than it says, for one that calls, for one that is called, and for strangers', async () => {
    await start({ circuitsPerDialler: 2, circuitsPerHolder: 3, strangersPerHolder: 1 })
    const clients = await Promise.all([1, 2, 3].map(() => world.client({ allowed: true })))
    const [holder, one, two] = clients as [Libp2p, Libp2p, Libp2p]
    await deafHolder(holder)
    expect(await rawReserve(holder, world.address)).toBe(HOP_OK)
    const connect = async (from: Libp2p) => (await rawConnect(from, world.address, holder.peerId)).status
    expect(await connect(one)).toBe(HOP_OK)
    const { status, stream } = await rawConnect(one, world.address, holder.peerId)
    expect(status).toBe(HOP_OK)
    expect(await connect(one)).toBe(HOP_PERMISSION_DENIED)
    stream.abort(new Error('enough'))
    await expect.poll(() => world.relay.usage().circuits).toBe(1)
    expect(await connect(await world.client())).toBe(HOP_OK)
    expect(await connect(await world.client())).toBe(HOP_PERMISSION_DENIED)
    expect(await connect(two)).toBe(HOP_OK)
    expect(await connect(two)).toBe(HOP_PERMISSION_DENIED)
    expect(world.relay.usage()).toMatchObject({ circuits: 3, refused: { circuits: 3 } })
  })

  it('S-14: leaves those that it admits half of its connections, whoever strangers call, and has its share for one address', async () => {
    await start({ circuits: 8, circuitsOfStrangers: 2, circuitsPerHost: 4 })
    const clients = await Promise.all([1, 2, 3].map(() => world.client({ allowed: true })))
    const [one, two, friend] = clients as [Libp2p, Libp2p, Libp2p]
    for (const holder of [one, two]) {
      await deafHolder(holder)
      expect(await rawReserve(holder, world.address)).toBe(HOP_OK)
    }
    const connect = async (from: Libp2p, to: Libp2p) => (await rawConnect(from, world.address, to.peerId)).status
    expect(await connect(await world.client(), one)).toBe(HOP_OK)
    expect(await connect(await world.client(), two)).toBe(HOP_OK)
    expect(await connect(await world.client(), two)).toBe(HOP_PERMISSION_DENIED)
    expect(await connect(friend, two)).toBe(HOP_OK)
    expect(await connect(friend, one)).toBe(HOP_OK)
    // All of them are at one address, and there is room for others.
    expect(await connect(friend, two)).toBe(HOP_PERMISSION_DENIED)
    expect(world.events.at(-1)).toMatchObject({ what: 'circuit', peer: `${friend.peerId}`, reason: 'full' })
  })

  it('S-12: takes no more from one side than the other takes', async () => {
    await start()
    const holder = await world.client({ allowed: true })
    await deafHolder(holder)
    await rawReserve(holder, world.address)
    const { stream } = await rawConnect(await world.client(), world.address, holder.peerId)
    const goal = 96 * MIB
    const part = new Uint8Array(64 * KIB)
    for (let sent = 0; sent < goal; sent += part.length) stream.send(part)
    let [left, calm] = [goal, 0]
    await expect
      .poll(() => {
        calm = left === stream.writeBufferLength ? calm + 1 : 0
        left = stream.writeBufferLength
        return calm
      })
      .toBeGreaterThan(10)
    // What has left is a window of yamux, which may have grown, and what waits in the relay.
    expect(goal - left).toBeGreaterThan(MIB)
    expect(goal - left).toBeLessThan(24 * MIB)
    expect(world.relay.usage().circuits).toBe(1)
  })

  it('S-29: names no private address of its machine to a peer from afar, and those of the network to one from there', async () => {
    await start()
    const far = new Set<string>()
    world.node.addEventListener('connection:open', ({ detail }) => {
      if (far.has(`${detail.remotePeer}`)) detail.remoteAddr = multiaddr('/ip4/8.8.8.8/tcp/4001')
    })

    const [near, distant] = [await world.bare(), await world.bare()]
    far.add(`${distant.peerId}`)
    const own = Buffer.from(multiaddr('/ip4/127.0.0.1').bytes)
    expect(Buffer.from(await rawReservation(near, world.address)).includes(own)).toBe(true)
    expect(Buffer.from(await rawReservation(distant, world.address)).includes(own)).toBe(false)
    expect(world.relay.usage().reservations.used).toBe(2)
  })
})
