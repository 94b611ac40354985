import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { formatTicket, parseTicket } from '../../src/protocol/index.ts'
import { ticketRow } from '../contract/store-rows.ts'
import { eventually, type Member, World } from './world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

const MINUTE_MS = 60_000
const invitation = { ttlMs: 15 * MINUTE_MS, uses: 1 }

async function refusalOf(work: Promise<unknown>): Promise<MeshError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  if (error instanceof MeshError) return error
  throw new Error('not refused', { cause: error })
}

const levels = async (one: Member, other: Member): Promise<string[]> => [
  (await one.ask.resolve({ target: other.peer })).trust,
  (await other.ask.resolve({ target: one.peer })).trust
]

describe('a ticket', () => {
  it('pairs both sides at once, links them, and tells the one who invited', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    const { ticket, expiresAt, instanceId } = await alice.ask.invite({ ...invitation, name: 'Bobby' })
    expect(instanceId).toMatch(/^alice@/)
    expect(Date.parse(expiresAt)).toBe(world.clock.wallMs() + invitation.ttlMs)
    const joined = await bob.ask.join({ ticket })
    expect(joined).toMatchObject({ peerId: alice.peer, trust: 'paired', before: 'unknown' })
    expect(await levels(alice, bob)).toEqual(['paired', 'paired'])
    // A crash in the next moment must not make each forget where the other is.
    expect(bob.store.routes.flushed).toMatchObject([{ peer: alice.peer, addresses: [expect.any(String)] }])
    expect(alice.store.routes.flushed).toMatchObject([{ peer: bob.peer }])
    await eventually(() => alice.linkedTo(bob) && bob.linkedTo(alice))
    expect(await alice.ask.send({ target: 'Bobby', text: 'welcome', waitFor: 'received' })).toMatchObject({
      to: { peerId: bob.peer }
    })
    expect(await alice.ask.notices({})).toMatchObject([
      {
        text: `Bobby (${bob.instance.slice(0, 9)}) came with your ticket and is paired now. Its fingerprint: ${bob.instance}`
      }
    ])
    expect(alice.store.trust.get(bob.instance)).toMatchObject({ how: 'ticket', petname: 'Bobby' })
  })

  it('holds no address of its own loopback where it has others, and never the secret twice', async () => {
    const alice = await world.member('alice')
    const tickets = await Promise.all(
      Array.from({ length: 5 }, async () => parseTicket((await alice.ask.invite(invitation)).ticket))
    )
    expect(new Set(tickets.map(({ secret }) => secret.join())).size).toBe(5)
    for (const { addresses } of tickets) expect(addresses).toEqual([expect.not.stringContaining('/p2p/')])
  })

  it('is spent after as many instances as it is for; who is in already may come again', async () => {
    const alice = await world.member('alice')
    const [bob, carol, dave] = await Promise.all(['bob', 'carol', 'dave'].map(name => world.member(name)))
    const { ticket } = await alice.ask.invite({ ...invitation, uses: 2 })
    await bob?.ask.join({ ticket })
    await carol?.ask.join({ ticket })
    const refusal = await refusalOf(dave?.ask.join({ ticket }) ?? Promise.resolve())
    expect(refusal).toMatchObject({ code: 'refused_by_peer', details: { reason: 'ticket_spent' } })
    expect(await bob?.ask.join({ ticket })).toMatchObject({ trust: 'paired' })
    expect(alice.store.trust.get(dave?.instance ?? '')).toBeUndefined()
    expect(dave?.store.trust.get(alice.instance)).toBeUndefined()
  })

  it('expires, at the issuer by its clock and long after also without asking', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    const { ticket } = await alice.ask.invite({ ttlMs: MINUTE_MS, uses: 1 })
    await world.clock.advance(2 * MINUTE_MS)
    expect(await refusalOf(bob.ask.join({ ticket }))).toMatchObject({ details: { reason: 'ticket_expired' } })
    await world.clock.advance(20 * MINUTE_MS)
    world.hub.cut(alice.peer, bob.peer)
    expect(await refusalOf(bob.ask.join({ ticket }))).toMatchObject({ details: { reason: 'ticket_expired' } })
  })

  it('S-25: is worth nothing with another secret, however often it is tried, and a true one still works', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    const { ticket } = await alice.ask.invite(invitation)
    const real = parseTicket(ticket)
    for (let attempt = 0; attempt < 50; attempt++) {
      const forged = formatTicket({ ...real, secret: crypto.getRandomValues(new Uint8Array(16)) })
      expect(await refusalOf(bob.ask.join({ ticket: forged }))).toMatchObject({ details: { reason: 'ticket_unknown' } })
    }
    expect(alice.store.trust.all()).toEqual([])
    expect(await bob.ask.join({ ticket })).toMatchObject({ trust: 'paired' })
  })

  it('survives a restart of the issuer', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    const { ticket } = await alice.ask.invite(invitation)
    await alice.restart()
    expect(await bob.ask.join({ ticket })).toMatchObject({ trust: 'paired' })
  })

  it('lets in nobody who is blocked, and nobody who was forgotten after it was written', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    const many = await alice.ask.invite({ ...invitation, uses: 8 })
    await bob.ask.join({ ticket: many.ticket })
    await alice.ask.trust({ who: bob.peer, level: 'blocked' })
    expect(await refusalOf(bob.ask.join({ ticket: many.ticket }))).toMatchObject({ details: { reason: 'blocked' } })
    await world.clock.advance(1_000)
    await alice.ask.forget({ who: bob.peer })
    expect(await refusalOf(bob.ask.join({ ticket: many.ticket }))).toMatchObject({
      details: { reason: 'not_admitted' }
    })
    await world.clock.advance(1_000)
    const again = await alice.ask.invite(invitation)
    expect(await bob.ask.join({ ticket: again.ticket })).toMatchObject({ trust: 'paired' })
  })

  it.each([0, -3_600_000])(
    'S2.41: lets in nobody who was forgotten after it was written, by a clock %d ms later',
    async ms => {
      const alice = await world.member('alice')
      const bob = await world.member('bob')
      const used = await alice.ask.invite({ ...invitation, uses: 8 })
      const unused = await alice.ask.invite(invitation)
      await bob.ask.join({ ticket: used.ticket })
      const wallMs = world.clock.wallMs.bind(world.clock)
      world.clock.wallMs = () => wallMs() + ms
      await alice.ask.forget({ who: bob.peer })
      for (const { ticket } of [used, unused])
        expect(await refusalOf(bob.ask.join({ ticket }))).toMatchObject({ details: { reason: 'not_admitted' } })
      expect(alice.store.trust.get(bob.instance)).toMatchObject({ level: 'unknown', tombstone: true })
      // A new one is a new word, whatever the clock says.
      const again = await alice.ask.invite(invitation)
      expect(await bob.ask.join({ ticket: again.ticket })).toMatchObject({ trust: 'paired' })
    }
  )

  it('is listed, and withdrawn by the beginning of its id; who came with it stays', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    const carol = await world.member('carol')
    const first = await alice.ask.invite({ ...invitation, uses: 2, name: 'Bobby' })
    await alice.ask.invite(invitation)
    await bob.ask.join({ ticket: first.ticket })
    const list = await alice.ask.tickets({})
    const shape = { id: expect.stringMatching(/^[0-9a-f]{16}$/), state: 'open', expiresAt: first.expiresAt }
    expect(list).toEqual([
      { ...shape, uses: 1, used: 0, name: null },
      { ...shape, uses: 2, used: 1, name: 'Bobby' }
    ])
    expect(JSON.stringify(list)).not.toContain(first.ticket)
    const id = list[1]?.id ?? ''
    const before = alice.store.tickets.all()
    await expect(alice.ask.withdraw({ id: id.startsWith('ffff') ? '0000' : 'ffff' })).rejects.toMatchObject({
      code: 'bad_request'
    })
    expect(alice.store.tickets.all()).toEqual(before)
    expect(await alice.ask.withdraw({ id: id.slice(0, 8) })).toEqual(list[1])
    expect(await refusalOf(carol.ask.join({ ticket: first.ticket }))).toMatchObject({
      details: { reason: 'ticket_unknown' }
    })
    expect(await levels(alice, bob)).toEqual(['paired', 'paired'])
    await world.clock.advance(16 * MINUTE_MS)
    expect(await alice.ask.tickets({})).toMatchObject([{ id: list[0]?.id, state: 'expired' }])
  })

  it('withdraws none where the beginning of an id fits two', async () => {
    const alice = await world.member('alice')
    for (const end of ['1', '2'])
      alice.store.tickets.insert(
        { ...ticketRow(1), id: `abcdef000000000${end}`, expiresMs: Number.MAX_SAFE_INTEGER },
        0
      )
    await expect(alice.ask.withdraw({ id: 'abcdef' })).rejects.toMatchObject({ code: 'bad_request' })
    expect(alice.store.tickets.all()).toHaveLength(2)
  })

  it('is refused in its own words: none, mistyped, of another version, our own, where nobody may be let in', async () => {
    const alice = await world.member('alice')
    const closed = await world.member('closed', { dmPolicy: 'disabled' })
    const { ticket } = await alice.ask.invite(invitation)
    const wrong: [string, string, string][] = [
      ['hello', 'bad_ticket', 'ticket_malformed'],
      [ticket.slice(0, -3), 'bad_ticket', 'ticket_checksum'],
      [`mesh7${ticket.slice(5)}`, 'bad_ticket', 'ticket_version']
    ]
    for (const [text, code, detail] of wrong)
      expect(await refusalOf(closed.ask.join({ ticket: text }))).toMatchObject({ code, details: { detail } })
    expect(await refusalOf(alice.ask.join({ ticket }))).toMatchObject({ code: 'self_target' })
    expect(await refusalOf(closed.ask.invite(invitation))).toMatchObject({ code: 'bad_request' })
  })

  it('of a peer that is away says so and pairs nobody', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    const { ticket } = await alice.ask.invite(invitation)
    world.hub.cut(alice.peer, bob.peer)
    expect(await refusalOf(bob.ask.join({ ticket }))).toMatchObject({ code: 'dial_failed' })
    expect(bob.store.trust.all()).toEqual([])
  })

  it.each([
    ['forgets', 'unknown'],
    ['blocks', 'blocked']
  ] as const)('S2.41: lets nobody in here whom the owner %s while the other side answers', async (decides, level) => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    const { ticket } = await alice.ask.invite(invitation)
    // Forgotten before too, so that it is not the first tombstone that counts.
    await bob.ask.forget({ who: alice.peer })
    const handler = world.handlerOf(alice)
    const answer = handler.asked.bind(handler)
    handler.asked = async (...request) => {
      if (decides === 'forgets') await bob.ask.forget({ who: alice.peer })
      else await bob.ask.trust({ who: alice.peer, level: 'blocked' })
      return await answer(...request)
    }
    expect(await refusalOf(bob.ask.join({ ticket }))).toMatchObject({ code: 'aborted' })
    expect(bob.store.trust.get(alice.instance)).toMatchObject({ level })
  })

  it('S2.40: leaves a record on both sides also where the settings let everybody in', async () => {
    const open = { dmPolicy: 'open', allowFrom: ['*'] } as const
    const alice = await world.member('alice', { ...open, allowFrom: [...open.allowFrom] })
    const bob = await world.member('bob', { ...open, allowFrom: [...open.allowFrom] })
    const { ticket } = await alice.ask.invite({ ...invitation, name: 'Bobby' })
    await bob.ask.join({ ticket })
    expect(alice.store.trust.get(bob.instance)).toMatchObject({ level: 'paired', how: 'ticket', petname: 'Bobby' })
    expect(bob.store.trust.get(alice.instance)).toMatchObject({ level: 'paired', how: 'ticket' })
  })

  it('S2.40: is used in one commit with the trust, the notice and the end of the request, or not at all', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    world.hub.discover(bob.peer, alice.peer)
    await world.hub.settled()
    await bob.ask.request({ who: alice.peer })
    const { ticket } = await alice.ask.invite(invitation)
    const add = alice.store.notices.add.bind(alice.store.notices)
    alice.store.notices.add = () => {
      throw new MeshError('store_failed')
    }
    expect(await refusalOf(bob.ask.join({ ticket }))).toMatchObject({ details: { reason: 'overloaded' } })
    expect(alice.store.tickets.all()).toMatchObject([{ usedBy: [] }])
    expect(alice.store.trust.get(bob.instance)).toBeUndefined()
    expect(alice.linkedTo(bob)).toBe(false)
    expect(await alice.ask.requests({})).toHaveLength(1)
    alice.store.notices.add = add
    expect(await bob.ask.join({ ticket })).toMatchObject({ trust: 'paired' })
    expect([await alice.ask.requests({}), await bob.ask.requests({})]).toEqual([[], []])
  })

  it('S2.40: gives its name to the first alone, also of two that come at once', async () => {
    const alice = await world.member('alice')
    const [bob, carol] = [await world.member('bob'), await world.member('carol')]
    const { ticket } = await alice.ask.invite({ ...invitation, uses: 2, name: 'Bobby' })
    await Promise.all([bob.ask.join({ ticket }), carol.ask.join({ ticket })])
    const names = [bob, carol].map(({ instance }) => alice.store.trust.get(instance)?.petname)
    expect(names.toSorted()).toEqual(['Bobby', undefined])
  })

  it('S2.41: is not used up where dmPolicy lets nobody in', async () => {
    const alice = await world.member('alice')
    const closed = await world.member('closed', { dmPolicy: 'disabled' })
    const { ticket } = await alice.ask.invite(invitation)
    expect(await refusalOf(closed.ask.join({ ticket }))).toMatchObject({ code: 'bad_request' })
    expect(alice.store.tickets.all()).toMatchObject([{ usedBy: [] }])
    expect(closed.store.trust.all()).toEqual([])
  })

  it('has a cap of open ones', async () => {
    const alice = await world.member('alice')
    for (let count = 0; count < 64; count++) await alice.ask.invite(invitation)
    expect(await refusalOf(alice.ask.invite(invitation))).toMatchObject({ code: 'too_many' })
    await world.clock.advance(20 * MINUTE_MS)
    await alice.ask.invite(invitation)
  })
})
