import { expect, it, vi } from 'vitest'
import { keyInPeerId } from '../vectors/reference/identity.mjs'
import { type Attacker, type AttackLink, fingerprintOf } from './attacker.ts'
import { near, type Scene, useScene } from './scene.ts'

/** As many as fill one receive window of a link several times over. */
const ROUNDS = 1_000

const HOUR_MS = 60 * 60 * 1000
const WAIT = { timeout: 15_000, interval: 20 }

let scene: Scene
useScene(created => {
  scene = created
})

/** Everything before it on the link has been handled when this text is answered. */
async function handled(mallory: Attacker, link: AttackLink): Promise<void> {
  const content = mallory.content(scene.victim.node, 'are you there?')
  link.send(mallory.seal(content))
  await link.told(content.id, 'delivered none')
}

it('S-01: nobody says where another instance is, or that it is another one', async () => {
  const { victim, honest } = scene
  const { mallory, link } = await scene.paired()
  const honestKey = keyInPeerId(honest.node.peerId)?.toString('hex') ?? ''
  const honestFingerprint = fingerprintOf(honest.node.peerId)
  // The honest instance is at my key; I am at its key; it says so itself, under my signature; and so do I, with its fingerprint.
  const others: Partial<Parameters<Attacker['content']>[2]>[] = [
    {},
    { from: honestFingerprint, key: honestKey },
    { from: honestFingerprint }
  ]
  const told = new Map<string, string>()
  for (let round = 1; round <= 100; round++) {
    for (const [index, more] of others.entries()) {
      const id = (round * 10 + index).toString(16).padStart(32, '0')
      const trace = { root: id, depth: 0, hops: [] }
      const record = { peer: honest.node.peerId, seq: 1_000_000 + round, label: 'stolen' }
      link.send(mallory.route(victim.node, record, { ...more, id, trace }))
      if (index > 0) told.set(id, index === 1 ? 'rejected wrong_sender' : 'rejected malformed')
    }
  }
  await handled(mallory, link)
  for (const [id, verdict] of told) await link.told(id, verdict)
  await mallory.stop()
  await vi.waitFor(async () => {
    const peers = await victim.call('peers', {})
    expect(peers.find(({ peerId }) => peerId === mallory.peerId)?.path).toBeNull()
  }, WAIT)
  const peers = await victim.call('peers', {})
  expect(peers.map(({ name }) => name)).not.toContain('stolen')
  expect(peers.filter(({ peerId, instanceId }) => !instanceId.endsWith(`@${fingerprintOf(peerId ?? '')}`))).toEqual([])
  expect(peers.map(({ peerId }) => peerId).toSorted()).toEqual([honest.node.peerId, mallory.peerId].toSorted())
})

it('S-02: old and foreign route records change nothing, and what they lead to gets no text', async () => {
  const { victim, honest } = scene
  const { mallory, link } = await scene.paired({ label: 'first' })
  const named = async (): Promise<string | undefined> =>
    (await victim.call('peers', {})).find(({ peerId }) => peerId === mallory.peerId)?.name
  link.send(mallory.route(victim.node, { seq: ROUNDS + 1, label: 'current', addresses: near(honest.node) }))
  await handled(mallory, link)
  expect(await named()).toBe('current')
  for (let seq = 1; seq <= ROUNDS; seq++) link.send(mallory.route(victim.node, { seq, label: 'old' }))
  const nowMs = Date.now()
  const seq = ROUNDS + 2
  link.send(
    mallory.route(victim.node, { seq, label: 'expired', issuedMs: nowMs - 2 * HOUR_MS, expiresMs: nowMs - HOUR_MS }),
    mallory.route(victim.node, { seq, label: 'tomorrow', issuedMs: nowMs + HOUR_MS, expiresMs: nowMs + 2 * HOUR_MS }),
    mallory.route(victim.node, { seq, label: 'everlasting', expiresMs: nowMs + 48 * HOUR_MS })
  )
  await handled(mallory, link)
  expect(await named()).toBe('current')
  // Its record leads to the honest instance, whose key is another one.
  await mallory.stop()
  const secret = 'for mallory alone'
  const sent = await victim.call('send', {
    target: mallory.peerId,
    text: secret,
    waitFor: 'received',
    timeoutMs: 2_000
  })
  expect(sent.level).toBe('pending')
  expect(honest.node.events.all.filter(event => event['text'] === secret)).toEqual([])
})
