import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Broadcasts } from '../../src/mesh/broadcast.ts'
import { Heard } from '../../src/mesh/heard.ts'
import type { Notice } from '../../src/mesh/ports.ts'
import { RouteTable } from '../../src/mesh/route-table.ts'
import { Trust } from '../../src/mesh/trust.ts'
import {
  BROADCAST_TEXT_MAX_BYTES,
  CLOCK_TOLERANCE_MS,
  type Content,
  decodeContent,
  decodeEnvelope,
  encodeContent,
  encodeEnvelope,
  newId,
  sealGroup
} from '../../src/protocol/index.ts'
import { anywhere } from '../fakes/anywhere.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const TOPIC = 'mesh'
const self = new FakeInstance('self')
const ana = new FakeInstance('ana')
const ben = new FakeInstance('ben')
const carrier = ben.peer

interface Options {
  store?: FakeStore
  owner?: FakeInstance
  clock?: FakeClock
  notify?: (notice: Notice) => Promise<void>
}

/** The broadcasts of one instance, self unless said otherwise; Ana is admitted everywhere. */
function world({ store = new FakeStore(), owner = self, clock = new FakeClock(), notify }: Options = {}) {
  const log = new FakeLog()
  const trust = new Trust({ store, clock, log }, { dmPolicy: 'allowlist', allowFrom: [ana.instance] })
  const routes = new RouteTable({ network: anywhere, store, trust, clock, log })
  const notices: Notice[] = []
  const published: Array<{ topic: string; data: Uint8Array }> = []
  const kept: Array<{ text: string; shown: number }> = []
  const broadcasts = new Broadcasts(
    {
      store,
      signer: owner.signer,
      clock,
      log,
      trust,
      routes,
      notices: {
        notify: async notice => {
          notices.push(notice)
          await notify?.(notice)
        }
      },
      owner: { keep: ({ text }) => kept.push({ text, shown: notices.length }) },
      publish: async (topic, data) => {
        published.push({ topic, data })
        return { recipients: 3 }
      }
    },
    { instance: owner.instance }
  )
  const shown = () => notices.map(notice => (notice.kind === 'broadcast' ? notice.broadcast.text : notice.kind))
  const validate = (data: Uint8Array, topic = TOPIC) => broadcasts.validate(carrier, topic, data)
  return { store, clock, log, trust, routes, broadcasts, notices, kept, published, shown, validate }
}

/** What an instance would put on the wire, as its own mesh makes it. */
async function said(
  owner: FakeInstance,
  texts: string[],
  clock = new FakeClock(),
  topic = TOPIC
): Promise<Uint8Array[]> {
  const { broadcasts, published } = world({ owner, clock })
  for (const text of texts) {
    await broadcasts.publish(text, topic)
    await clock.advance(10_000)
  }
  clock.jump(-10_000 * texts.length)
  return published.map(({ data }) => data)
}

/** The same broadcast with something changed, signed by `signer`. */
async function forged(data: Uint8Array, change: Partial<Content>, signer = ana): Promise<Uint8Array> {
  const content = { ...decodeContent(decodeEnvelope(data).signed), ...change }
  const [envelope] = await sealGroup([encodeContent(content)], bytes => signer.signer.sign(bytes))
  if (envelope === undefined) throw new Error('nothing was sealed')
  return encodeEnvelope(envelope)
}

describe('Broadcasts', () => {
  it('publishes one signed envelope per text, with a seq that goes on after a restart', async () => {
    const store = new FakeStore()
    const first = world({ store })
    expect(await first.broadcasts.publish('hello', TOPIC)).toEqual({ id: expect.any(String), recipients: 3 })
    const second = world({ store })
    const { id } = await second.broadcasts.publish('again', TOPIC)
    const [one, two] = [...first.published, ...second.published].map(({ data }) =>
      decodeContent(decodeEnvelope(data).signed)
    )
    expect(one).toMatchObject({ kind: 'broadcast', topic: TOPIC, from: self.instance, epoch: store.epoch, seq: 1 })
    expect(two).toMatchObject({ id, seq: 2, conversation: one?.conversation })
  })

  it('refuses an empty text, a long one, and more than its neighbours would relay', async () => {
    const { broadcasts, published, clock } = world()
    await expect(broadcasts.publish('', TOPIC)).rejects.toMatchObject({ code: 'text_empty' })
    const long = 'é'.repeat(BROADCAST_TEXT_MAX_BYTES / 2 + 1)
    await expect(broadcasts.publish(long, TOPIC)).rejects.toMatchObject({ code: 'text_too_long' })
    for (let i = 0; i < 12; i++) await broadcasts.publish('x', TOPIC)
    await expect(broadcasts.publish('x', TOPIC)).rejects.toMatchObject({ code: 'outbox_full', retryable: true })
    expect(published).toHaveLength(12)
    await clock.advance(10_000)
    await broadcasts.publish('x', TOPIC)
  })

  it('shows a text of an admitted author once, relays it, and never logs it', async () => {
    const { validate, notices, log, routes } = world()
    routes.learn({ peer: ana.peer, label: 'brisk-otter' })
    const [data] = (await said(ana, ['hello 👋'])) as [Uint8Array]
    expect(await validate(data)).toBe('accept')
    expect(notices).toEqual([
      {
        kind: 'broadcast',
        broadcast: {
          id: decodeContent(decodeEnvelope(data).signed).id,
          topic: TOPIC,
          from: {
            instance: ana.instance,
            instanceId: `brisk-otter@${ana.instance}`,
            peer: ana.peer,
            name: 'brisk-otter'
          },
          text: 'hello 👋'
        }
      }
    ])
    expect(log.at('info')).toContain(
      `Broadcast from brisk-otter (${ana.instance.slice(0, 9)}) on ${TOPIC}: 7 characters`
    )
    expect(JSON.stringify(log.lines)).not.toContain('hello')
    for (let i = 0; i < 5; i++) expect(await validate(data)).toBe('ignore')
    expect(notices).toHaveLength(1)
  })

  it('S-05: a replay after a restart is not shown again', async () => {
    const store = new FakeStore()
    const texts = ['one', 'two', 'three']
    const datas = await said(ana, texts)
    const first = world({ store })
    for (const data of datas) await first.validate(data)
    expect(first.shown()).toEqual(texts)
    const second = world({ store })
    for (const data of datas) expect(await second.validate(data)).toBe('ignore')
    expect(second.shown()).toEqual([])
  })

  it('S-04: forged authors, keys, topics and signatures reach nobody and cost their carrier', async () => {
    const { validate, shown } = world()
    const [data] = (await said(ana, ['hello'])) as [Uint8Array]
    const envelope = decodeEnvelope(data)
    const cut = { ...envelope, sig: new Uint8Array(64) }
    const bad: Uint8Array[] = [
      encodeEnvelope(cut),
      await forged(data, {}, ben),
      await forged(data, { conversation: newId() }),
      await forged(data, { topic: 'other' }),
      Uint8Array.of(1, 2, 3),
      new Uint8Array(0),
      new Uint8Array(64 * 1024),
      encodeEnvelope(
        (await ana.seal([ana.content(self.instance, 'direct', new FakeClock().wallMs())]))[0] as typeof envelope
      )
    ]
    for (const one of bad) expect(await validate(one)).toBe('reject')
    expect(await validate(data, 'other')).toBe('reject')
    expect(shown()).toEqual([])
    // None of it used up what Ana may say.
    expect(await validate(data)).toBe('accept')
    expect(shown()).toEqual(['hello'])
  })

  it('S-04: relays authors whom nobody admitted here within a quota for all of them, and shows none', async () => {
    const { validate, shown, clock } = world()
    const strangers = Array.from({ length: 70 }, (_, index) => new FakeInstance(`stranger ${index}`))
    const verdicts: string[] = []
    for (const stranger of strangers) verdicts.push(await validate((await said(stranger, ['spam']))[0] as Uint8Array))
    expect(verdicts.filter(verdict => verdict === 'accept')).toHaveLength(60)
    expect(verdicts.at(-1)).toBe('ignore')
    expect(shown()).toEqual([])
    await clock.advance(5_000)
    expect(await validate((await said(new FakeInstance('late'), ['spam']))[0] as Uint8Array)).toBe('accept')
  })

  it('neither relays nor shows blocked authors and itself', async () => {
    const { validate, shown, trust } = world()
    trust.set(ana.instance, { level: 'blocked', how: 'command' })
    expect(await validate((await said(ana, ['x']))[0] as Uint8Array)).toBe('ignore')
    expect(await validate((await said(self, ['x']))[0] as Uint8Array)).toBe('ignore')
    expect(shown()).toEqual([])
  })

  it('S-13: takes twelve texts of one author at once, then six a minute', async () => {
    const clock = new FakeClock()
    const datas = await said(
      ana,
      Array.from({ length: 20 }, (_, index) => `${index}`)
    )
    const { validate, shown } = world({ clock })
    for (const data of datas) await validate(data)
    expect(shown()).toHaveLength(12)
    await clock.advance(60_000)
    for (const data of datas) await validate(data)
    expect(shown()).toHaveLength(18)
  })

  it('does not blame its carrier for old news, wrong clocks and later versions', async () => {
    const clock = new FakeClock()
    const { validate, shown } = world({ clock })
    const [data] = (await said(ana, ['hello'])) as [Uint8Array]
    const content = decodeContent(decodeEnvelope(data).signed)
    const late = CLOCK_TOLERANCE_MS + 1
    const future = await forged(data, { timeMs: content.timeMs + late, expiresMs: content.timeMs + 2 * late })
    const sealed = await forged(data, { body: { type: 'sealed', bytes: Uint8Array.of(1) } })
    expect(await validate(future)).toBe('ignore')
    expect(await validate(sealed)).toBe('ignore')
    clock.jump(60 * 60_000)
    expect(await validate(data)).toBe('ignore')
    expect(shown()).toEqual([])
  })

  it('never throws, shows the next one although showing hangs, and lets go when stopped', async () => {
    const { validate, shown, kept, store, broadcasts, clock, log } = world({ notify: () => new Promise(() => {}) })
    const [one, two] = (await said(ana, ['one', 'two'])) as [Uint8Array, Uint8Array]
    store.value = () => {
      throw new Error('the database is gone')
    }
    expect(await validate(one)).toBe('ignore')
    expect(log.at('error')).toEqual(['A broadcast could not be judged.'])
    store.value = () => undefined
    expect(await validate(one)).toBe('accept')
    expect(await validate(two)).toBe('accept')
    expect(shown()).toEqual(['one', 'two'])
    // Listed first: nobody knows whether a channel takes it.
    expect(kept).toEqual([
      { text: 'one', shown: 0 },
      { text: 'two', shown: 1 }
    ])
    expect(clock.sleeping).toBe(2)
    broadcasts.stop()
    await settled()
    expect(clock.sleeping).toBe(0)
    expect(log.at('warn')).toEqual([])
  })
})

describe('Heard', () => {
  it('says first exactly once per seq, whatever the order, as long as a text is not thirty texts late', () => {
    const heardOnce = fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 300 }), seqs => {
      const heard = new Heard({ store: new FakeStore() })
      const shown = new Set<number>()
      let top = 0
      for (const seq of seqs) {
        const expected = !shown.has(seq) && top - seq < 31
        expect(heard.first('a', 'b', { epoch: 'e000000000000001', seq })).toBe(expected)
        if (expected) shown.add(seq)
        top = Math.max(top, seq)
      }
    })
    fc.assert(heardOnce)
  })

  it('tells authors, topics and a few epochs apart, and keeps its value small', () => {
    const store = new FakeStore()
    const heard = new Heard({ store })
    const epochs = Array.from({ length: 40 }, (_, index) => index.toString(16).padStart(16, '0'))
    for (const epoch of epochs) expect(heard.first('a', 'b', { epoch, seq: 9_007_199_254_740_991 })).toBe(true)
    expect(heard.first('a', 'b', { epoch: epochs.at(-1) as string, seq: 9_007_199_254_740_991 })).toBe(false)
    expect(heard.first('a', 'c', { epoch: epochs.at(-1) as string, seq: 1 })).toBe(true)
    expect(heard.first('c', 'b', { epoch: epochs.at(-1) as string, seq: 1 })).toBe(true)
    expect(store.value('heard a b')?.length).toBeLessThan(250)
  })
})
