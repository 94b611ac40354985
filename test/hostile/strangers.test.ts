import { createHash, createHmac } from 'node:crypto'
import { hostname, networkInterfaces, userInfo } from 'node:os'
import { expect, it, vi } from 'vitest'
import { readMessage } from '../vectors/reference/wire.mjs'
import { LINK, PAIR } from './attacker.ts'
import { type Scene, useScene } from './scene.ts'

const WAIT = { timeout: 15_000, interval: 20 }

/** Section 15.1 of docs/protocol.md. */
const TICKET_UNKNOWN = 14
const TICKET_SPENT = 15
const PENDING = 18
const OVERLOADED = 10

/** Requests of one address that wait for the owner. */
const PER_ADDRESS = 4
const ASKERS = 25
const GUESSES = 100

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

let scene: Scene
useScene(created => {
  scene = created
})

/** Section 11.1: what a ticket's text holds, without its checksum. */
function opened(ticket: string): { key: Buffer; secret: Buffer } {
  const bits = Array.from(ticket.slice('mesh1'.length), char => BASE32.indexOf(char).toString(2).padStart(5, '0')).join(
    ''
  )
  const bytes = Buffer.from((bits.match(/.{8}/g) ?? []).map(eight => Number.parseInt(eight, 2)))
  const { values } = readMessage('Ticket', bytes.subarray(0, -4), 'ticket_malformed')
  return values as { key: Buffer; secret: Buffer }
}

function shownBy(asker: Buffer, { key, secret }: { key: Buffer; secret: Buffer }) {
  const ticket = createHash('sha256').update('libp2p-mesh/1/ticket\0').update(secret).digest().subarray(0, 8)
  const proof = createHmac('sha256', secret).update('libp2p-mesh/1/ticket/proof\0').update(key).update(asker).digest()
  return { ticket, proof, label: 'guest' }
}

it('S-25: a crowd that asks costs one notice and a few places, guessing costs nothing, and a true ticket counts', async () => {
  const { victim } = scene
  const notices = (): number => victim.node.events.all.filter(({ event }) => event === 'notice').length
  const trusted = async (): Promise<unknown[]> =>
    (await victim.call('peers', {})).filter(({ trust }) => trust !== 'unknown').map(({ peerId }) => peerId)
  const [before, friends] = [notices(), await trusted()]
  for (let number = 0; number < ASKERS; number++) {
    const asker = await scene.attacker()
    const answers = [
      await asker.ask(victim.node, 'contact', { label: `asker ${number}`, purpose: 'let me in' }),
      await asker.ask(victim.node, 'contact', { label: `asker ${number}`, purpose: 'now' }),
      await asker.ask(victim.node, 'approved', {})
    ]
    expect(answers.filter(answer => answer !== 'reset' && answer.accepted)).toEqual([])
    // Ten questions of one address are looked at in a minute.
    expect(answers[0]).toMatchObject({ reason: number < 3 ? PENDING : expect.toBeOneOf([PENDING, OVERLOADED]) })
    await asker.stop()
  }
  const open = (await victim.call('requests', {})).filter(({ direction }) => direction === 'incoming')
  expect(open.length).toBeGreaterThan(0)
  expect(open.length).toBeLessThanOrEqual(PER_ADDRESS)
  expect(notices() - before).toBe(1)

  const { ticket } = await victim.call('invite', { ttlMs: 60_000, uses: 1 })
  const secret = opened(ticket)
  const guest = await scene.attacker()
  const thief = await scene.attacker()
  // The right ticket with guessed proofs, and the proof of another: overheard, it is of no use.
  const overheard = shownBy(guest.key.publicKey, secret)
  for (let guess = 0; guess < GUESSES; guess++) {
    const proof = createHash('sha256').update(`${guess}`).digest()
    const answer = await thief.ask(victim.node, 'ticket', { ...overheard, proof })
    expect(answer).toMatchObject({ accepted: false, reason: TICKET_UNKNOWN })
  }
  expect(await thief.ask(victim.node, 'ticket', overheard)).toMatchObject({ accepted: false, reason: TICKET_UNKNOWN })
  expect(await trusted()).toEqual(friends)

  const startMs = performance.now()
  expect(await guest.ask(victim.node, 'ticket', overheard)).toMatchObject({ accepted: true })
  expect(performance.now() - startMs).toBeLessThan(5_000)
  const late = await thief.ask(victim.node, 'ticket', shownBy(thief.key.publicKey, secret))
  expect(late).toMatchObject({ accepted: false, reason: TICKET_SPENT })
  expect((await trusted()).toSorted()).toEqual([...friends, guest.peerId].toSorted())
})

it('S-29: nothing that a stranger hears tells of the machine, its system, its user or its network', async () => {
  const { victim } = scene
  const stranger = await scene.attacker()
  const heard: Buffer[] = []
  for (const protocol of ['/ipfs/id/1.0.0', LINK, PAIR, '/ipfs/ping/1.0.0', '/meshsub/1.2.0']) {
    const stream = await stranger.stream(victim.node, protocol).catch(() => undefined)
    if (stream === undefined || stream.status !== 'open') continue
    stream.addEventListener('message', ({ data }) => heard.push(Buffer.from(data.subarray())))
    if (protocol === '/ipfs/ping/1.0.0') stream.send(Buffer.alloc(32, 1))
    if (protocol === PAIR) stream.send(Buffer.of(4, 0x0a, 2, 8, 77))
  }
  // Identify, a hello, a refusal of the pair protocol, an echo.
  await vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(4), WAIT)
  const text = Buffer.concat(heard).toString('latin1')
  expect(text).toContain('libp2p-mesh/1')
  const { username, homedir } = userInfo()
  const macs = Object.values(networkInterfaces()).flatMap(infos => (infos ?? []).map(({ mac }) => mac))
  const personal = [
    hostname(),
    homedir,
    victim.node.stateDir,
    process.version,
    process.platform,
    ...macs,
    `${username}@`
  ]
  expect(personal.filter(word => word.length > 2 && text.includes(word))).toEqual([])
  const addresses = Object.values(networkInterfaces()).flatMap(infos =>
    (infos ?? []).filter(({ internal }) => !internal).map(({ address }) => address)
  )
  expect(addresses.filter(address => text.includes(address))).toEqual([])
  expect(text).not.toMatch(/[\w.]+@[\w-]+\.[a-z]{2,}/)
})
