import { randomBytes } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { conversationOfTopic, readSigned, type Sealed } from '../vectors/reference/envelope.mjs'
import { keyInPeerId } from '../vectors/reference/identity.mjs'
import { readMessage, writeMessage } from '../vectors/reference/wire.mjs'
import { type Attacker, fingerprintOf } from './attacker.ts'
import { type Scene, useScene } from './scene.ts'

const TOPIC = 'among-us'
const WAIT = { timeout: 20_000, interval: 50 }

/** Section 12.3 of docs/protocol.md: at once, and the few that time adds during the test. */
const QUOTA = 12
const QUOTA_SLACK = 3

let scene: Scene
useScene(
  created => {
    scene = created
  },
  { meshTopic: TOPIC }
)

/** A broadcast as section 12.2 has it, and what else the caller wants it to say. */
function broadcast(by: Attacker, text: string, more: Partial<Parameters<Attacker['content']>[2]> = {}): Sealed {
  const conversation = conversationOfTopic(TOPIC).toString('hex')
  const { to: _, ...content } = by.content(scene.victim.node, text, {
    kind: 'broadcast',
    topic: TOPIC,
    conversation,
    ...more
  })
  return by.seal(content)
}

async function publish(by: Attacker, { signed, sig, sides, path }: Sealed): Promise<void> {
  await by.libp2p.services.pubsub?.publish(TOPIC, writeMessage('Envelope', { signed, sig, sides, path }))
}

/** Until the victim listens to what this one publishes. */
async function joined(by: Attacker): Promise<void> {
  await vi.waitFor(() => expect(by.libp2p.services.pubsub?.getSubscribers(TOPIC)).not.toEqual([]), WAIT)
}

/** Who said it, of all broadcasts that the victim printed. */
const heard = (text: string): unknown[] =>
  scene
    .shown(text)
    .filter(({ event }) => event === 'broadcast')
    .map(({ fromPeerId }) => fromPeerId)

it('S-04: nobody broadcasts in the name of another', async () => {
  const { victim, honest } = scene
  const { mallory } = await scene.paired({ topic: TOPIC })
  await joined(mallory)
  const from = fingerprintOf(honest.node.peerId)
  const key = keyInPeerId(honest.node.peerId)?.toString('hex') ?? ''
  const own = () => ({ epoch: randomBytes(8).toString('hex') })
  for (let round = 0; round < 20; round++) {
    const forged = broadcast(mallory, 'forged', { ...own(), from, key })
    await publish(mallory, forged)
    await publish(mallory, { ...forged, sig: Buffer.alloc(64) })
    // Its key under my fingerprint, my key under its fingerprint, a type of key that no instance has, no topic, another one.
    await publish(mallory, broadcast(mallory, 'forged', { ...own(), key }))
    await publish(mallory, broadcast(mallory, 'forged', { ...own(), from }))
    await publish(mallory, broadcast(mallory, 'forged', { ...own(), from, key: '00'.repeat(32) }))
    await publish(mallory, broadcast(mallory, 'forged', { ...own(), topic: 'elsewhere' }))
    await publish(mallory, { ...broadcast(mallory, 'signed'), signed: Buffer.from('forged') })
  }
  const stranger = await scene.attacker({ topic: TOPIC })
  await (await stranger.link(victim.node)).ended
  await publish(stranger, broadcast(stranger, 'forged')).catch(() => undefined)

  await publish(mallory, broadcast(mallory, 'my own'))
  await vi.waitFor(() => expect(heard('my own')).toEqual([mallory.peerId]), WAIT)
  await honest.call('broadcast', { text: 'honestly' })
  await vi.waitFor(() => expect(heard('honestly')).toEqual([honest.node.peerId]), WAIT)
  expect(heard('forged')).toEqual([])
})

it('S-13: who floods a topic is relayed up to its quota, and hears nothing back', async () => {
  const { mallory: listener } = await scene.paired({ topic: TOPIC })
  const { mallory: flooder } = await scene.paired({ topic: TOPIC })
  await Promise.all([joined(listener), joined(flooder)])
  const relayed: string[] = []
  listener.libp2p.services.pubsub?.addEventListener('message', ({ detail }) => {
    const { values } = readMessage('Envelope', detail.data, 'envelope_malformed')
    const content = readSigned(values['signed'] as Buffer)
    if (content.body.type === 'plain') relayed.push(Buffer.from(content.body.bytes, 'hex').toString())
  })
  let back = 0
  flooder.libp2p.services.pubsub?.addEventListener('message', () => back++)
  const long = 'x'.repeat(8_193)
  for (let number = 0; number < 200; number++) await publish(flooder, broadcast(flooder, `flood ${number}`))
  for (let number = 0; number < 20; number++) await publish(flooder, broadcast(flooder, long))
  // The last thing that is said is heard last.
  await scene.honest.call('broadcast', { text: 'enough' })
  await vi.waitFor(() => expect(relayed).toContain('enough'), WAIT)
  const count = relayed.filter(text => text.startsWith('flood')).length
  expect(count).toBeGreaterThan(0)
  expect(count).toBeLessThanOrEqual(QUOTA + QUOTA_SLACK)
  expect(relayed).not.toContain(long)
  expect(scene.shown().filter(({ text }) => `${text}`.startsWith('flood')).length).toBeLessThanOrEqual(
    QUOTA + QUOTA_SLACK
  )
  // The honest text only.
  expect(back).toBeLessThanOrEqual(1)
})
