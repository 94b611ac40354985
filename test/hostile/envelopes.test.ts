import { randomBytes } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { conversationOfTopic } from '../vectors/reference/envelope.mjs'
import { framed, writeMessage } from '../vectors/reference/wire.mjs'
import { sealBytes } from './attacker.ts'
import { type Scene, useScene } from './scene.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const WAIT = { timeout: 20_000, interval: 20 }

let scene: Scene
useScene(created => {
  scene = created
})

it('S-05: a recorded message is shown once: again, after kill -9, later, to another peer, to a topic', async () => {
  const { mallory, link } = await scene.paired()
  const contents = Array.from({ length: 50 }, (_, i) => mallory.content(scene.victim.node, `once ${i}`))
  const recorded = contents.map(content => mallory.seal(content))
  const shown = (): number => scene.shown().filter(event => `${event['text']}`.startsWith('once')).length
  link.send(...recorded)
  for (const { id } of contents) await link.told(id, 'delivered none')
  expect(shown()).toBe(contents.length)

  for (let round = 0; round < 10; round++) link.send(...recorded)
  const aged = mallory.content(scene.victim.node, 'once, long ago', {
    timeMs: Date.now() - 8 * DAY_MS,
    expiresMs: Date.now() - DAY_MS
  })
  const toTopic = mallory.content(scene.victim.node, 'once, to all', { kind: 'broadcast', topic: 'openclaw-mesh' })
  const { to: _, ...broadcast } = { ...toTopic, conversation: conversationOfTopic('openclaw-mesh').toString('hex') }
  link.send(mallory.seal(aged), mallory.seal(broadcast))
  await link.told(aged.id, 'rejected expired')
  await link.told(broadcast.id, 'rejected wrong_audience')
  expect(shown()).toBe(contents.length)

  // What was said to the victim, carried to somebody else who let the attacker in; and what somebody else said to the attacker, to the victim.
  const { honest, victim } = scene
  await honest.call('approve', { who: mallory.peerId })
  const there = await mallory.link(honest.node)
  expect(await there.greeted()).toBe(true)
  there.send(...recorded)
  for (const { id } of contents) await there.told(id, 'rejected wrong_audience')
  await honest.call('send', { target: mallory.peerId, text: 'once, to mallory', waitFor: 'received', timeoutMs: 100 })
  await vi.waitFor(() => expect(there.envelopes.length).toBeGreaterThan(1), WAIT)
  const before = link.receipts.length
  link.send(...there.envelopes)
  await vi.waitFor(() => expect(link.receipts.length).toBeGreaterThan(before), WAIT)
  expect(new Set(link.receipts.slice(before).map(({ reason }) => reason))).toEqual(new Set(['wrong_sender']))
  expect(honest.node.events.all.filter(event => `${event['text']}`.startsWith('once'))).toEqual([])
  expect(victim.node.events.all.filter(event => `${event['text']}`.startsWith('once'))).toHaveLength(contents.length)

  await scene.killVictim()
  const again = await mallory.link(scene.victim.node)
  expect(await again.greeted()).toBe(true)
  for (let round = 0; round < 10; round++) again.send(...recorded)
  for (const { id } of contents) await again.told(id, 'delivered none')
  expect(shown()).toBe(0)
})

it('S-06: a flood of ids of one sender makes nobody forget those of another', async () => {
  const { mallory: first, link } = await scene.paired()
  const early = first.content(scene.victim.node, 'only once, please')
  const recorded = first.seal(early)
  link.send(recorded)
  await link.told(early.id, 'delivered none')
  const { mallory: flooder, link: flood } = await scene.paired()
  let last = ''
  for (let batch = 0; batch < 3; batch++) {
    const contents = Array.from({ length: 400 }, () => flooder.content(scene.victim.node, 'flood'))
    for (const content of contents) flood.send(flooder.seal(content))
    last = contents.at(-1)?.id ?? ''
    await flood.told(last, 'delivered none')
  }
  for (let round = 0; round < 5; round++) link.send(recorded)
  const after = first.content(scene.victim.node, 'and then')
  link.send(first.seal(after))
  await link.told(after.id, 'delivered none')
  expect(scene.shown('only once, please')).toHaveLength(1)
})

it('S-07: who uses the ids of another first silences nobody', async () => {
  const { mallory, link: theirs } = await scene.paired()
  const { mallory: other, link: ours } = await scene.paired()
  const ids = Array.from({ length: 200 }, () => randomBytes(16).toString('hex'))
  const trace = (id: string) => ({ id, trace: { root: id, depth: 0, hops: [] } })
  for (const id of ids) theirs.send(mallory.seal(mallory.content(scene.victim.node, `taken ${id}`, trace(id))))
  for (const id of ids) await theirs.told(id, 'delivered none')
  for (const id of ids) ours.send(other.seal(other.content(scene.victim.node, `meant ${id}`, trace(id))))
  for (const id of ids) await ours.told(id, 'delivered none')
  for (const id of ids) expect(scene.shown(`meant ${id}`)).toMatchObject([{ id, fromPeerId: other.peerId }])
})

it('S-08: false times are refused with their reason, and clocks that honest machines have are not', async () => {
  const { mallory, link } = await scene.paired()
  const nowMs = Date.now()
  const at = (timeMs: number, lifeMs = HOUR_MS) => ({ timeMs, expiresMs: timeMs + lifeMs })
  const cases: [string, { timeMs: number; expiresMs: number }, string][] = [
    ['an hour ahead', at(nowMs + HOUR_MS), 'rejected clock_skew'],
    ['ten years ahead', at(nowMs + 3_650 * DAY_MS), 'rejected clock_skew'],
    ['the end of time', at(2 ** 53 - 1 - DAY_MS), 'rejected clock_skew'],
    ['nine minutes ahead', at(nowMs + 9 * MINUTE_MS), 'delivered none'],
    ['ended yesterday', at(nowMs - 2 * DAY_MS), 'rejected expired'],
    ['of 1970', at(1, 1), 'rejected expired'],
    ['ended five minutes ago', at(nowMs - 65 * MINUTE_MS), 'delivered none'],
    ['lives for a year', at(nowMs, 365 * DAY_MS), 'rejected malformed']
  ]
  for (const [text, times, verdict] of cases) {
    // A hole in a conversation is waited for: each has its own.
    const conversation = randomBytes(16).toString('hex')
    const content = mallory.content(scene.victim.node, text, { ...times, conversation })
    link.send(mallory.seal(content))
    await link.told(content.id, verdict)
    expect([text, scene.shown(text).length]).toEqual([text, verdict.startsWith('delivered') ? 1 : 0])
  }
})

it('S-26: later versions are told so, and there is no way without a signature', async () => {
  const { mallory, link } = await scene.paired()
  const { victim } = scene
  const own = () => ({ conversation: randomBytes(16).toString('hex') })
  const written = mallory.content(victim.node, 'of tomorrow', own())
  const { signed } = mallory.seal(written)
  // Field 1, the version, and field 2, the kind, are the first four bytes.
  const version = sealBytes(Buffer.concat([Buffer.of(8, 2), signed.subarray(2)]), mallory.key)
  link.send(version)
  await link.told(written.id, 'rejected unsupported')
  const kind = mallory.content(victim.node, 'of another kind', own())
  const bytes = mallory.seal(kind).signed
  link.send(sealBytes(Buffer.concat([Buffer.of(8, 1, 16, 77), bytes.subarray(4)]), mallory.key))
  await link.told(kind.id, 'rejected unsupported')
  const sealed = mallory.content(victim.node, '', { ...own(), body: { type: 'sealed', bytes: '00' } })
  const chunk = mallory.content(victim.node, '', { ...own(), body: { type: 'chunk', index: 0, total: 2, data: '00' } })
  link.send(mallory.seal(sealed), mallory.seal(chunk))
  await link.told(sealed.id, 'rejected unsupported')
  await link.told(chunk.id, 'rejected unsupported')

  const unsigned = mallory.content(victim.node, 'unsigned', own())
  const wrong = mallory.seal(unsigned)
  link.send({ ...wrong, sig: Buffer.alloc(64) })
  await link.told(unsigned.id, 'rejected bad_signature')
  const borrowed = mallory.content(victim.node, 'unsigned too', own())
  link.send({ ...mallory.seal(borrowed), sig: wrong.sig })
  await link.told(borrowed.id, 'rejected bad_signature')
  expect(scene.shown('unsigned')).toEqual([])
  expect(scene.shown('unsigned too')).toEqual([])
  await expect(mallory.stream(victim.node, '/libp2p-mesh/2.0.0')).rejects.toThrow()

  const stripped = mallory.seal(mallory.content(victim.node, 'stripped', own()))
  link.raw(framed(writeMessage('Frame', { envelope: { signed: stripped.signed, path: [] } })))
  expect(await link.ended).toBe('reset')
  expect(scene.shown('stripped')).toEqual([])
})

it('S-27: fields twice, numbers too large, names of prototypes and half characters poison nothing', async () => {
  const { mallory, link } = await scene.paired({ label: 'constructor' })
  const { victim } = scene
  const own = () => ({ conversation: randomBytes(16).toString('hex') })
  const refused: [string, Uint8Array][] = [
    ['the audience twice', writeMessage('Signed', { to: Buffer.alloc(15, 1) })],
    ['the id twice', writeMessage('Signed', { id: Buffer.alloc(16, 1) })],
    ['a second body', writeMessage('Signed', { sealed: Buffer.of(1) })],
    ['a number as text', Buffer.of((10 << 3) | 2, 1, 1)],
    ['a number above 2^53', Buffer.of((31 << 3) | 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)],
    ['a group', Buffer.of((30 << 3) | 3)]
  ]
  for (const [text, extra] of refused) {
    const content = mallory.content(victim.node, text, own())
    link.send(mallory.sealWith(content, extra))
    const next = mallory.content(victim.node, `after ${text}`, own())
    link.send(mallory.seal(next))
    await link.told(next.id, 'delivered none')
    // What cannot be read has no id that could be answered.
    expect([text, link.verdicts(content.id)]).toEqual([text, []])
    expect(scene.shown(text)).toEqual([])
  }
  const half = mallory.content(victim.node, Buffer.of(0xed, 0xa0, 0x80), own())
  link.send(mallory.seal(half))
  await link.told(half.id, 'rejected malformed')
  for (const text of ['__proto__', '{"__proto__":{"polluted":1}}', 'constructor', 'toString']) {
    const content = mallory.content(victim.node, text, own())
    link.send(mallory.seal(content))
    await link.told(content.id, 'delivered none')
    expect(scene.shown(text)).toMatchObject([{ text, fromPeerId: mallory.peerId }])
  }
  const stranger = await scene.attacker()
  const asked = await stranger.ask(victim.node, 'contact', { label: '__proto__', purpose: '__proto__' })
  expect(asked).toMatchObject({ accepted: false })
  const open = await victim.call('requests', {})
  expect(open.filter(({ peerId }) => peerId === stranger.peerId)).toMatchObject([{ purpose: '__proto__' }])
  await victim.call('reject', { who: stranger.peerId })
  expect((await victim.call('peers', {})).find(({ peerId }) => peerId === mallory.peerId)?.name).toBe('constructor')
})
