import { expect, it } from 'vitest'
import { OwnerNotices } from '../../src/mesh/owner-notices.ts'
import type { Inbound, Notice } from '../../src/mesh/ports.ts'
import { RouteTable } from '../../src/mesh/route-table.ts'
import { ShownTexts } from '../../src/mesh/shown-texts.ts'
import { Trust } from '../../src/mesh/trust.ts'
import { anywhere } from '../fakes/anywhere.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const [ana, ben] = [new FakeInstance('ana'), new FakeInstance('ben')]
const HOUR_MS = 3_600_000

function world(notify?: () => Promise<void>) {
  const [store, clock, log] = [new FakeStore(), new FakeClock(), new FakeLog()]
  const trust = new Trust({ store, clock, log }, { dmPolicy: 'pairing', allowFrom: [] })
  const routes = new RouteTable({ network: anywhere, store, trust, clock, log })
  const seen: Notice[] = []
  const notices = { notify: notify ?? (async (notice: Notice) => void seen.push(notice)) }
  const owner = new OwnerNotices({ store, clock, log, trust, routes, notices })
  const shown = new ShownTexts({ notices, owner, clock })
  const of = (kind: Notice['kind']) => seen.filter(notice => notice.kind === kind)
  return { shown, of, clock, owner }
}

function inboundOf({ instance, peer }: FakeInstance, text: string): Inbound {
  return {
    id: 'a1'.repeat(16),
    hostMessageId: 'a1'.repeat(16),
    conversation: 'c',
    from: { instance, instanceId: `x@${instance}`, peer, name: 'x' },
    text,
    sentMs: 0,
    path: null,
    tier: 'notify',
    mayStartTurn: false,
    adoptedBefore: false,
    mayRepeat: false
  }
}

it('S-24: of texts that start no turn, 30 an hour of one peer are shown, then one notice and nothing more', async () => {
  const { shown, of, clock, owner } = world()
  for (let i = 0; i < 500; i++) await shown.notify({ kind: 'message', inbound: inboundOf(ana, `text ${i}`) })
  await shown.notify({ kind: 'message', inbound: inboundOf(ben, 'hello') })
  await settled()
  expect(of('message')).toHaveLength(31)
  expect(of('owner')).toHaveLength(1)
  expect(owner.unread().map(({ text }) => text)).toEqual([expect.stringMatching(/wrote more than 30 texts in an hour/)])
  await clock.advance(HOUR_MS)
  await shown.notify({ kind: 'message', inbound: inboundOf(ana, 'later') })
  expect(of('message').at(-1)).toMatchObject({ inbound: { text: 'later' } })
})

it('S-24: a flood of late answers to one question is shown no further, and kept in the inbox', async () => {
  const { shown, of, owner } = world()
  for (let i = 0; i < 40; i++) {
    const inbound = { ...inboundOf(ana, `r${i}`), id: i.toString(16).padStart(32, '0') }
    await shown.notify({ kind: 'answer', question: 'q', inbound })
  }
  expect(of('answer')).toHaveLength(30)
  expect(owner.unread().filter(({ text }) => text.includes('answered message q: r'))).toHaveLength(40)
})

it('a late answer stands in the inbox also where there is no channel for it', async () => {
  const { shown, owner } = world(async () => Promise.reject(new Error('nobody is there')))
  const inbound = inboundOf(ana, 'at last')
  await expect(shown.notify({ kind: 'answer', question: 'q', inbound })).rejects.toThrow('nobody is there')
  expect(owner.unread().map(({ text }) => text)).toEqual([expect.stringMatching(/ answered message q: at last$/)])
})

it('S-24: broadcasts count among them', async () => {
  const { shown, of } = world()
  const { from } = inboundOf(ana, '')
  await shown.notify({ kind: 'message', inbound: inboundOf(ana, 'hello') })
  for (let i = 0; i < 40; i++) {
    const broadcast = { id: i.toString(16).padStart(32, '0'), topic: 'mesh', from, text: `b${i}` }
    await shown.notify({ kind: 'broadcast', broadcast })
  }
  expect(of('broadcast')).toHaveLength(29)
})
