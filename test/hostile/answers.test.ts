import { expect, it, vi } from 'vitest'
import { hashOf, readSigned } from '../vectors/reference/envelope.mjs'
import type { ShownReceipt } from '../vectors/reference/frames.mjs'
import { type Scene, useScene } from './scene.ts'

const WAIT = { timeout: 15_000, interval: 20 }

/** Receipts of the storm, and what the victim's memory may grow by meanwhile. */
const STORM = 50_000
const PER_FRAME = 500
const STORM_MAX_MIB = 64

let scene: Scene
useScene(created => {
  scene = created
})

it('S-30: receipts of others, for other bytes, backwards, and a storm of them move nothing', async () => {
  const { victim } = scene
  const { mallory: addressee, link } = await scene.paired()
  const { mallory: liar, link: lies } = await scene.paired()
  const sent = await victim.call('send', {
    target: addressee.peerId,
    text: 'a secret',
    waitFor: 'received',
    timeoutMs: 0
  })
  const state = async (): Promise<string> => (await victim.call('message', { id: sent.id })).state
  const arrived = () => link.envelopes.find(({ signed }) => readSigned(signed).id === sent.id)
  await vi.waitFor(() => expect(arrived()).toBeDefined(), WAIT)
  const hash = hashOf(arrived()?.signed ?? Buffer.alloc(0)).toString('hex')
  const receipt = (outcome: string, more: Partial<ShownReceipt> = {}): ShownReceipt => ({
    id: sent.id,
    attempt: 1,
    hash,
    outcome,
    reason: 'none',
    ...more
  })
  // What stands on a link is handled in order: the answer to this text comes after everything before it.
  const handled = async (by: typeof liar, over: typeof lies): Promise<void> => {
    const content = by.content(victim.node, 'are you there?')
    over.send(by.seal(content))
    await over.told(content.id, 'delivered none')
  }
  const outcomes = ['received', 'delivered', 'answered', 'rejected']
  lies.say({ type: 'receipts', receipts: outcomes.map(outcome => receipt(outcome)) })
  link.say({ type: 'receipts', receipts: outcomes.map(outcome => receipt(outcome, { hash: '00'.repeat(32) })) })
  await handled(liar, lies)
  await handled(addressee, link)
  expect(await state()).toBe('queued')

  const before = scene.rssMiB()
  for (let count = 0; count < STORM; count += PER_FRAME) {
    const receipts = Array.from({ length: PER_FRAME }, (_, i) =>
      receipt('answered', i % 2 === 0 ? {} : { id: (count + i).toString(16).padStart(32, '0') })
    )
    lies.say({ type: 'receipts', receipts })
  }
  await handled(liar, lies)
  expect(scene.rssMiB() - before).toBeLessThan(STORM_MAX_MIB)
  expect(await state()).toBe('queued')

  link.say({
    type: 'receipts',
    receipts: [receipt('delivered'), receipt('received'), receipt('deferred', { untilMs: 1 })]
  })
  await vi.waitFor(async () => expect(await state()).toBe('delivered'), WAIT)
  await handled(addressee, link)
  expect(await state()).toBe('delivered')
})
