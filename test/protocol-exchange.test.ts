import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Broadcasts } from '../src/mesh/broadcast.ts'
import { Mesh } from '../src/mesh/mesh.ts'
import { OwnerNotices } from '../src/mesh/owner-notices.ts'
import { RouteTable } from '../src/mesh/route-table.ts'
import { Trust } from '../src/mesh/trust.ts'
import { FrameReader, joinFrames } from '../src/node/frame-reader.ts'
import {
  bytesEqual,
  type Content,
  decodeContent,
  decodeFrame,
  type Envelope,
  encodeFrame,
  FRAME_MAX_BYTES,
  type Frame,
  hashOf,
  peerIdOf,
  type Receipt,
  textOf,
  toHex,
  verifyEnvelope
} from '../src/protocol/index.ts'
import { FakeAgent } from './fakes/agent.ts'
import { anywhere } from './fakes/anywhere.ts'
import { FakeClock } from './fakes/clock.ts'
import { FakeLog } from './fakes/log.ts'
import { FakeHub } from './fakes/network.ts'
import { helloFor, RecordingHandler } from './fakes/network-handler.ts'
import { FakeNotices } from './fakes/notices.ts'
import { FakeStore } from './fakes/store.ts'
import { eventually } from './mesh/world.ts'
import { verifyEd25519 } from './protocol/ed25519.ts'
import { broadcast, exchange } from './vectors/exchange.ts'
import { heron, type Member, otter, TIME_MS } from './vectors/members.ts'

/** Section 18.3 of docs/protocol.md: the frames of a whole exchange, and whether they are what the implementation says. */

const document = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8')

/** What stands before the `;` of each block, and who says it. */
const shown = [...document.matchAll(/^\*\*\d+\. ([\w-]+)\.\*\* .*?```text\n(.*?)```/gms)].map(
  ([, from = '', block = '']) => ({ from, hex: block.replaceAll(/;.*$/gm, '').replaceAll(/\s/g, '') })
)

const members: Record<string, Member> = { [otter.label]: otter, [heron.label]: heron }
const peers = { otter: peerIdOf(otter.key.publicKey), heron: peerIdOf(heron.key.publicKey) }

describe('the exchange in docs/protocol.md', () => {
  it('S2.46: is read by the implementation and written again byte for byte', async () => {
    expect(shown.map(({ from, hex }) => [from, hex])).toEqual(
      (await exchange()).map(({ from, bytes }) => [from, toHex(bytes)])
    )
    for (const { hex } of shown) {
      const frames = framesOf(hex)
      expect(frames.length).toBe(1)
      expect(toHex(joinFrames(frames.map(bytes => encodeFrame(decodeFrame(bytes)))))).toBe(hex)
    }
  })

  it('S2.43: is a question, its answer and their receipts, signed by those who say them', async () => {
    const frames = shown.map(({ hex }) => decodeFrame(framesOf(hex)[0] ?? new Uint8Array(0)))
    expect(frames.map(({ type }) => type).join(' ')).toBe(
      'hello hello envelope receipts receipts envelope receipts receipts receipts'
    )
    const envelopes = frames.flatMap((frame, i) =>
      frame.type === 'envelope' ? [{ ...frame, from: shown[i]?.from }] : []
    )
    for (const { envelope, from = '' } of envelopes) {
      const { key } = decodeContent(envelope.signed)
      expect(key).toEqual(members[from]?.key.publicKey)
      expect(await verifyEnvelope(envelope, key, verifyEd25519)).toBe(true)
    }
    const [question, answer] = envelopes.map(({ envelope }) => decodeContent(envelope.signed))
    expect(answer).toMatchObject({
      inReplyTo: question?.id,
      conversation: question?.conversation,
      trace: { root: question?.id, parent: question?.id, depth: 1, hops: [otter.fingerprint] }
    })
    for (const receipt of frames.flatMap(frame => (frame.type === 'receipts' ? frame.receipts : []))) {
      const about = envelopes.find(({ envelope }) => bytesEqual(hashOf(envelope.signed), receipt.hash))
      expect(about && decodeContent(about.envelope.signed).id).toBe(receipt.id)
    }
  })

  it('is what a mesh says to the same question at the same time', async () => {
    const [, hello, question, received, delivered, answer, answered] = await exchange()
    const world = await heronAt(TIME_MS + 3)
    expect(sent({ type: 'hello', hello: world.hello })).toBe(toHex(hello?.bytes ?? new Uint8Array(0)))

    world.say(question?.frame)
    await eventually(() => world.otter.receiptsSeen.length === 1, 'the first receipt')
    world.verify()
    await eventually(() => world.otter.receiptsSeen.length === 3 && world.otter.envelopes.length === 2, 'the answer')
    expect(world.otter.receiptsSeen.map(receipt => sent(frameOf(receipt)))).toEqual(
      [received, delivered, answered].map(said => toHex(said?.bytes ?? new Uint8Array(0)))
    )
    // The first envelope is the route record; of the answer, only the id is drawn by lot.
    const said = contentOf(world.otter.envelopes[1])
    const expected = answer?.frame.type === 'envelope' ? contentOf(answer.frame.envelope) : undefined
    expect({ ...said, id: expected?.id }).toEqual(expected)
    await world.stop()
  })
})

describe('the broadcast of the golden vectors', () => {
  it('is relayed and shown by whoever admits its author', async () => {
    const { content, data } = await broadcast()
    const notices = new FakeNotices()
    const [store, clock, log] = [new FakeStore(), new FakeClock(TIME_MS), new FakeLog()]
    const trust = new Trust({ store, clock, log }, { dmPolicy: 'allowlist', allowFrom: [otter.fingerprint] })
    const routes = new RouteTable({ network: anywhere, store, trust, clock, log })
    const signer = { ...heron.key, verify: verifyEd25519 }
    const owner = new OwnerNotices({ store, clock, log, trust, routes, notices })
    const publish = async () => ({ recipients: 0 })
    const broadcasts = new Broadcasts(
      { store, signer, clock, log, trust, routes, notices, owner, publish },
      { instance: heron.fingerprint }
    )
    expect(await broadcasts.validate(peers.otter, 'openclaw-mesh', data)).toBe('accept')
    expect(await broadcasts.validate(peers.otter, 'another', data)).toBe('reject')
    expect(notices.of('broadcast').map(({ broadcast: heard }) => heard.text)).toEqual([textOf(content)])
    broadcasts.stop()
  })
})

/** The heron's mesh, linked with an otter that only listens; signatures are checked when the test says so. */
async function heronAt(wallMs: number) {
  const hub = new FakeHub()
  const clock = new FakeClock(wallMs)
  const checked = Promise.withResolvers<void>()
  const agent = new FakeAgent({
    answer: async () => {
      await clock.advance(TIME_MS + 2_000 - clock.wallMs())
      return 'Yes, since noon.'
    }
  })
  const mesh = new Mesh(
    {
      network: hub.node(peers.heron),
      store: new FakeStore({ epoch: '1112131415161718' }),
      signer: {
        ...heron.key,
        verify: async (...parts) => {
          await checked.promise
          return await verifyEd25519(...parts)
        }
      },
      clock,
      log: new FakeLog(),
      agent,
      notices: new FakeNotices()
    },
    {
      name: heron.label,
      meshTopic: 'openclaw-mesh',
      dmPolicy: 'allowlist',
      allowFrom: [otter.fingerprint],
      deliveryAckTimeoutMs: 15_000,
      version: '0.0.0',
      pendingSettings: []
    }
  )
  const network = hub.node(peers.otter)
  const handler = new RecordingHandler()
  await network.start(handler)
  const stop = new AbortController()
  const running = mesh.run(stop.signal)
  await mesh.ready()
  hub.discover(peers.heron, peers.otter)
  await eventually(() => handler.hellos.has(peers.heron) && handler.envelopes.length === 1, 'the link')
  return {
    otter: handler,
    hello: handler.hellos.get(peers.heron) ?? helloFor(false),
    say: (frame: Frame | undefined) => frame !== undefined && network.send(peers.heron, frame),
    verify: () => checked.resolve(),
    stop: async () => {
      stop.abort()
      await running
    }
  }
}

function framesOf(hex: string): Uint8Array[] {
  const frames: Uint8Array[] = []
  const reader = new FrameReader({ maxBytes: FRAME_MAX_BYTES })
  reader.push(new Uint8Array(Buffer.from(hex, 'hex')), frame => frames.push(frame))
  expect(reader.partial).toBe(false)
  return frames
}

function frameOf(receipt: Receipt): Frame {
  return { type: 'receipts', receipts: [receipt] }
}

/** As it stands on the stream. */
function sent(frame: Frame): string {
  return toHex(joinFrames([encodeFrame(frame)]))
}

function contentOf(envelope: Envelope | undefined): Content {
  return decodeContent(envelope?.signed ?? new Uint8Array(0))
}
