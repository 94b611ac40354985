import { expect, it } from 'vitest'
import { networkContract } from '../contract/network.ts'
import { FakeHub } from './network.ts'
import { envelopeOf, numberOf, RecordingHandler } from './network-handler.ts'

networkContract('fake', async () => {
  const hub = new FakeHub()
  const one = hub.node('one')
  const other = hub.node('other')
  return {
    one,
    other,
    close: async () => {
      await one.stop()
      await other.stop()
    }
  }
})

async function linked() {
  const hub = new FakeHub()
  const [one, other] = [hub.node('one'), hub.node('other')]
  const [ours, theirs] = [new RecordingHandler(), new RecordingHandler()]
  await one.start(ours)
  await other.start(theirs)
  await one.connect('other', other.addresses())
  const send = (number: number, bytes?: number): boolean =>
    one.send('other', { type: 'envelope', envelope: envelopeOf(number, bytes) })
  return { hub, one, other, ours, theirs, send }
}

it('a cut drops what is in flight and refuses dials until it is mended', async () => {
  const { hub, one, other, ours, theirs, send } = await linked()
  send(1)
  hub.cut('one', 'other')
  await hub.settled()
  expect(theirs.envelopes).toEqual([])
  expect(ours.events.map(entry => entry.event).slice(2)).toEqual(['linkDown', 'disconnected'])
  expect(send(2)).toBe(false)
  await expect(one.connect('other', other.addresses())).rejects.toMatchObject({ code: 'dial_failed' })
  hub.mend('one', 'other')
  await one.connect('other', other.addresses())
  expect(send(3)).toBe(true)
  await hub.settled()
  expect(theirs.envelopes.map(numberOf)).toEqual([3])
})

it('a held reader fills the buffer and lets go of it', async () => {
  const { hub, ours, theirs, send } = await linked()
  hub.hold('one', 'other')
  let sent = 0
  while (send(sent, 32 * 1024)) {
    sent++
    await hub.turn()
  }
  await hub.settled()
  expect(theirs.envelopes).toHaveLength(0)
  expect(ours.count('drained')).toBe(0)
  hub.release('one', 'other')
  await hub.settled()
  expect(theirs.envelopes).toHaveLength(sent)
  expect(ours.count('drained')).toBe(1)
})

it('loses frames while the link stays up', async () => {
  const { hub, ours, theirs, send } = await linked()
  hub.lose('one', 'other')
  send(1)
  await hub.settled()
  hub.lose('one', 'other', false)
  send(2)
  await hub.settled()
  expect(theirs.envelopes.map(numberOf)).toEqual([2])
  expect(ours.count('linkDown')).toBe(0)
})

it('passes an accepted broadcast on to those behind, and no other', async () => {
  const hub = new FakeHub()
  const nodes = ['one', 'two', 'three'].map(peer => hub.node(peer))
  const handlers = nodes.map(() => new RecordingHandler())
  for (const [index, node] of nodes.entries()) await node.start(handlers[index] as RecordingHandler)
  await nodes[0]?.connect('two', nodes[1]?.addresses() ?? [])
  await nodes[1]?.connect('three', nodes[2]?.addresses() ?? [])
  await nodes[0]?.publish('mesh', new Uint8Array([1]))
  await hub.settled()
  expect(handlers[2]?.broadcasts).toMatchObject([{ carrier: 'two' }])
  const middle = handlers[1] as RecordingHandler
  middle.verdict = 'ignore'
  await nodes[0]?.publish('mesh', new Uint8Array([2]))
  await hub.settled()
  expect(middle.broadcasts).toHaveLength(2)
  expect(handlers[2]?.broadcasts).toHaveLength(1)
})

it('sees by discovery only where the test says so', async () => {
  const { hub, ours, other } = await linked()
  hub.discover('one', 'other')
  expect(ours.found.get('other')).toEqual(other.addresses())
})
