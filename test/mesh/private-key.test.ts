import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { encodeFrame, encodePairFrame, pairRequestOf } from '../../src/protocol/index.ts'
import { eventually, type Member, World } from './world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

/** Everything that a member gives to its network from now on. */
function listenTo(member: Member): Uint8Array[] {
  const node = world.hub.nodeOf(member.peer)
  const sent: Uint8Array[] = []
  const { send, ask, publish } = node
  node.send = (peer, frame) => {
    sent.push(encodeFrame(frame))
    return send.call(node, peer, frame)
  }
  node.ask = async (peer, addresses, body, options) => {
    sent.push(encodePairFrame(pairRequestOf(body)))
    return await ask.call(node, peer, addresses, body, options)
  }
  node.publish = async (topic, data) => {
    sent.push(data)
    return await publish.call(node, topic, data)
  }
  return sent
}

it('S2.42: a private key is in nothing that is sent: ticket, request, approval, messages, broadcast', async () => {
  const ana = await world.member('ana')
  const bob = await world.member('bob')
  const carol = await world.member('carol')
  const wires = [ana, bob, carol].map(listenTo)
  const { ticket } = await ana.ask.invite({ ttlMs: 60_000, uses: 1 })
  await bob.ask.join({ ticket })
  await eventually(() => ana.linkedTo(bob))
  await bob.ask.send({ target: ana.peer, text: 'hello', waitFor: 'received' })
  await ana.ask.broadcast({ text: 'to all' })
  world.hub.discover(carol.peer, ana.peer)
  await world.hub.settled()
  await carol.ask.request({ who: ana.peer, purpose: 'tea' })
  await ana.ask.approve({ who: carol.peer })
  await eventually(() => carol.linkedTo(ana))
  const bytes = Buffer.concat([...wires.flat(), Buffer.from(ticket)])
  expect(wires.map(wire => wire.length > 0)).toEqual([true, true, true])
  expect(bytes.includes(Buffer.from(ana.identity.signer.publicKey))).toBe(true)
  for (const name of ['ana', 'bob', 'carol']) {
    const seed = createHash('sha256').update(name).digest()
    for (const form of [
      seed,
      ...(['hex', 'base64', 'base64url'] as const).map(coding => Buffer.from(seed.toString(coding)))
    ])
      expect(bytes.includes(form), name).toBe(false)
  }
})
