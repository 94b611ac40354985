import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { OwnerNotices } from '../../src/mesh/owner-notices.ts'
import type { Notice } from '../../src/mesh/ports.ts'
import { RouteTable } from '../../src/mesh/route-table.ts'
import { Trust } from '../../src/mesh/trust.ts'
import { anywhere } from '../fakes/anywhere.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const ana = new FakeInstance('ana')

/** Notices whose host shows what it can; `shows` is what it was given. */
const idOf = (i: number): string => i.toString(16).padStart(32, '0')

function world({ reachable = true, store = new FakeStore() } = {}) {
  const clock = new FakeClock()
  const log = new FakeLog()
  const trust = new Trust({ store, clock, log }, { dmPolicy: 'pairing', allowFrom: [] })
  const routes = new RouteTable({ network: anywhere, store, trust, clock, log })
  const shows: Array<{ text: string; rows: number }> = []
  const host: { reachable: boolean; slow: Map<string, Promise<void>> } = { reachable, slow: new Map() }
  const owner = new OwnerNotices({
    store,
    clock,
    log,
    trust,
    routes,
    notices: {
      notify: async (notice: Notice) => {
        if (notice.kind !== 'owner') throw new Error(`a notice of kind ${notice.kind}`)
        if (!host.reachable) throw new Error('nobody is there')
        await host.slow.get(notice.text)
        shows.push({ text: notice.text, rows: store.notices.unread(1_000).length })
      }
    }
  })
  const tell = (subject: string, pauseMs?: number): void =>
    owner.tell({ subject, text: () => `about ${subject}`, ...(pauseMs !== undefined && { pauseMs }) })
  return { owner, tell, store, clock, log, shows, host, texts: () => owner.unread().map(({ text }) => text) }
}

const written = (text: string, id = 'a1'.repeat(16)) => ({
  id,
  text,
  from: { instance: ana.instance, instanceId: `ana@${ana.instance}`, peer: ana.peer, name: 'ana' }
})

describe('notices to the owner', () => {
  it('are a row first, and shown then', async () => {
    const { tell, shows, owner } = world()
    tell('a')
    expect(owner.unread()).toMatchObject([{ text: 'about a', shown: false }])
    await settled()
    expect(shows).toEqual([{ text: 'about a', rows: 1 }])
    expect(owner.unread()).toMatchObject([{ text: 'about a', shown: true }])
  })

  it('R-09: are not shown again because a full disk takes no note of it, and are noted once there is room', async () => {
    const { tell, store, shows, owner } = world()
    const { shown } = store.notices
    store.notices.shown = () => {
      throw new MeshError('store_failed', { retryable: true })
    }
    for (const subject of ['a', 'b', 'c']) {
      tell(subject)
      await settled()
    }
    expect(shows.map(({ text }) => text)).toEqual(['about a', 'about b', 'about c'])
    store.notices.shown = shown.bind(store.notices)
    tell('d')
    await settled()
    expect(shows).toHaveLength(4)
    expect(owner.unread().map(row => row.shown)).toEqual([true, true, true, true])
  })

  it('that nobody could be shown stay in the list, and follow when a channel is there', async () => {
    const { tell, shows, owner, host, texts } = world({ reachable: false })
    for (const subject of ['a', 'b', 'c']) tell(subject)
    await settled()
    expect(texts()).toEqual(['about a', 'about b', 'about c'])
    owner.dismiss(owner.unread()[1]?.id ?? 0)
    host.reachable = true
    tell('d')
    await settled()
    expect(shows.map(({ text }) => text)).toEqual(['about d', 'about a', 'about c'])
    tell('e')
    await settled()
    expect(shows).toHaveLength(4)
    expect(owner.unread().every(({ shown }) => shown)).toBe(true)
  })

  it('S-25: of one subject are shown and logged once within their pause, and listed once', async () => {
    const { tell, shows, texts, clock, log } = world()
    for (let i = 0; i < 5; i++) tell('flood', 1_000)
    await clock.advance(999)
    tell('flood', 1_000)
    expect(shows).toHaveLength(1)
    expect(log.at('info')).toHaveLength(1)
    await clock.advance(1)
    tell('flood', 1_000)
    await settled()
    expect(shows).toHaveLength(2)
    expect(texts()).toEqual(['about flood'])
  })

  it('are shown one after the other and once each, however long showing takes', async () => {
    const { tell, shows, host, owner } = world()
    const slow = Promise.withResolvers<void>()
    host.slow.set('about a', slow.promise)
    for (const subject of ['a', 'b', 'c']) tell(subject)
    await settled()
    expect(shows).toEqual([])
    slow.resolve()
    await settled()
    expect(shows.map(({ text }) => text)).toEqual(['about a', 'about b', 'about c'])
    expect(owner.unread().every(({ shown }) => shown)).toBe(true)
  })

  it('are shown once also when one of the same subject comes while the first is being shown', async () => {
    const { tell, shows, host, owner } = world()
    const slow = Promise.withResolvers<void>()
    host.slow.set('about flood', slow.promise)
    for (let i = 0; i < 3; i++) tell('flood', 60_000)
    tell('a')
    slow.resolve()
    await settled()
    tell('b')
    await settled()
    expect(shows.map(({ text }) => text)).toEqual(['about flood', 'about a', 'about b'])
    expect(owner.unread().every(({ shown }) => shown)).toBe(true)
  })

  it('that hang for two minutes hold up no other, and end with the mesh', async () => {
    const { tell, shows, host, owner, clock } = world()
    for (const subject of ['a', 'c']) host.slow.set(`about ${subject}`, new Promise(() => {}))
    for (const subject of ['a', 'b']) tell(subject)
    await settled()
    await clock.advance(2 * 60_000)
    expect(shows.map(({ text }) => text)).toEqual(['about b'])
    tell('c')
    await settled()
    owner.stop()
    await settled()
    expect(clock.sleeping).toBe(0)
  })

  it('that follow one which was read wait for the end of their pause, whatever else is shown', async () => {
    const { tell, shows, owner, clock } = world()
    const shown = async (subject: string): Promise<string[]> => {
      shows.length = 0
      tell(subject, 1_000)
      await settled()
      return shows.map(({ text }) => text)
    }
    expect(await shown('flood')).toEqual(['about flood'])
    owner.read(owner.unread()[0]?.id ?? 0)
    await clock.advance(100)
    expect(await shown('flood')).toEqual([])
    expect(await shown('a')).toEqual(['about a'])
    await clock.advance(899)
    expect(await shown('b')).toEqual(['about b'])
    await clock.advance(1)
    expect(await shown('c')).toEqual(['about c', 'about flood'])
  })

  it('are not muted by a clock that was set back', async () => {
    const { tell, shows, clock, log } = world()
    tell('flood', 1_000)
    clock.jump(-3_600_000)
    tell('flood', 1_000)
    await settled()
    expect([shows.length, log.at('info').length]).toEqual([2, 2])
  })

  it('of a text are listed once, also when it is handed over again', () => {
    const { owner, texts } = world()
    for (let i = 0; i < 3; i++) owner.keep(written('hello'))
    owner.keep(written('hello', 'b2'.repeat(16)))
    expect(texts()).toHaveLength(2)
  })

  it('never throw where the disk is full', () => {
    const { owner, tell, store, log } = world()
    store.notices.add = () => {
      throw new Error('disk full')
    }
    tell('a')
    owner.keep(written('x'))
    expect(log.at('error')).toHaveLength(2)
  })

  it('of texts that start no turn name the sender, say one safe line, and never reach the log or a channel', async () => {
    const { owner, texts, shows, log } = world()
    owner.keep(written(`hi\nthere\u202e ${'x'.repeat(1_000)}`))
    await settled()
    const [text = ''] = texts()
    expect(text).toMatch(/^[^\n]+ wrote: hi\\u000athere\\u202e x+…$/)
    expect(text).toContain(ana.instance.slice(0, 9))
    expect(text.length).toBeLessThan(500)
    expect(shows).toEqual([])
    expect(JSON.stringify(log.lines)).not.toContain('there')
  })

  it('of texts push out older texts, and nothing else', () => {
    const store = new FakeStore()
    const first = world({ store })
    for (let i = 0; i < 20; i++) first.tell(`event ${i}`)
    for (let i = 0; i < 40; i++) first.owner.keep(written(`text ${i}`, idOf(i)))
    const second = world({ store })
    for (let i = 40; i < 1_000; i++) second.owner.keep(written(`text ${i}`, idOf(i)))
    const texts = second.texts()
    expect(texts.filter(text => text.startsWith('about'))).toHaveLength(20)
    expect(texts.filter(text => text.includes('wrote: ')).map(text => text.replace(/.*wrote: /, ''))).toEqual(
      Array.from({ length: 64 }, (_, i) => `text ${936 + i}`)
    )
  })

  it('S-25: of broadcasts push out older broadcasts, and no text or event', () => {
    const { owner, tell, texts } = world()
    tell('event')
    owner.keep(written('a text'))
    for (let i = 0; i < 1_000; i++)
      owner.keep(written(`news ${i}`, idOf(i)), { did: 'wrote to all on mesh', kind: 'broadcast' })
    expect(texts()).toHaveLength(34)
    expect(texts().slice(0, 2)).toEqual(['about event', expect.stringMatching(/ wrote: a text$/)])
    expect(texts().slice(2)).toEqual(
      Array.from({ length: 32 }, (_, i) => expect.stringMatching(` wrote to all on mesh: news ${968 + i}$`))
    )
  })

  it('tell of a turn that was cut off, and of a text that may have been shown, each message by its id', () => {
    const { owner, texts } = world()
    owner.cutOff(written('secret'), 'turn')
    owner.cutOff({ ...written('secret'), id: 'b2'.repeat(16) }, 'text')
    expect(texts()[0]).toMatch(/^A turn for message (a1){16} of .* was cut off, .* It is not run again\.$/)
    expect(texts()[1]).toMatch(/^Whether message (b2){16} of .* was shown is not known\. It is not shown again\.$/)
    expect(texts().join()).not.toContain('secret')
  })
})
