import { describe, expect, it } from 'vitest'
import { Admission, receiptFor, type Verdict } from '../../src/mesh/admission.ts'
import { rowOf } from '../../src/mesh/inbox-row.ts'
import { Trust } from '../../src/mesh/trust.ts'
import {
  CLOCK_TOLERANCE_MS,
  type Content,
  type Envelope,
  EXPIRY_MAX_MS,
  encodeContent,
  hashOf,
  type RejectReason
} from '../../src/protocol/index.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const self = new FakeInstance('self')
const ana = new FakeInstance('ana')
const ben = new FakeInstance('ben')

function world() {
  const components = { store: new FakeStore(), clock: new FakeClock(), log: new FakeLog() }
  const trust = new Trust(components, { dmPolicy: 'pairing', allowFrom: [] })
  trust.set(ana.instance, { level: 'paired', how: 'command' })
  const admission = new Admission({ ...components, trust }, { instance: self.instance })
  const content = (change: Partial<Content> = {}) =>
    ana.content(self.instance, 'hello', components.clock.wallMs(), change)
  return { ...components, trust, admission, content }
}

/** Admission looks at no signature, so none is made. */
function unsigned(content: Content): Envelope {
  return { signed: encodeContent(content), sig: new Uint8Array(64), sides: 0, path: [] }
}

function rejected(verdict: Verdict): [RejectReason, string | undefined] | string {
  return verdict.verdict === 'reject' ? [verdict.reason, verdict.id] : verdict.verdict
}

describe('Admission', () => {
  it('accepts a message of an admitted peer, with the hash of its signed bytes', () => {
    const { admission, content } = world()
    const message = content()
    const envelope = unsigned(message)
    const verdict = admission.admit(envelope, { carrier: ana.peer })
    expect(verdict).toMatchObject({ verdict: 'accept', content: { id: message.id }, hash: hashOf(envelope.signed) })
    expect(receiptFor(verdict)).toBeUndefined()
  })

  it('S-05 S-26: refuses each wrong thing with its own reason, in house order', () => {
    const { admission, content, trust, clock } = world()
    const now = clock.wallMs()
    trust.set(ben.instance, { level: 'blocked', how: 'command' })
    const ofBen = ben.content(self.instance, 'hello', now)
    const stranger = new FakeInstance('stranger')
    const ofStranger = stranger.content(self.instance, 'hello', now)
    const toBen = content({ to: ben.instance })
    const late = CLOCK_TOLERANCE_MS + 1
    const old = content({ timeMs: now - late - 5, expiresMs: now - late })
    const future = content({ timeMs: now + late, expiresMs: now + late + 1_000 })
    const forever = content({ timeMs: now + late - 1, expiresMs: now + late - 1 + EXPIRY_MAX_MS })
    const sealed = content({ body: { type: 'sealed', bytes: new Uint8Array(9) } })
    const unreadable = content({ kind: 'route', body: { type: 'plain', bytes: Uint8Array.of(0xff) } })
    const garbled = content({ body: { type: 'plain', bytes: Uint8Array.of(0xff) } })
    const cases: Array<[Content, string, RejectReason]> = [
      [ofBen, ana.peer, 'wrong_sender'],
      [ofBen, ben.peer, 'blocked'],
      [ofStranger, stranger.peer, 'not_admitted'],
      [toBen, ana.peer, 'wrong_audience'],
      [old, ana.peer, 'expired'],
      [future, ana.peer, 'clock_skew'],
      [sealed, ana.peer, 'unsupported'],
      [garbled, ana.peer, 'malformed'],
      [unreadable, ana.peer, 'malformed'],
      // Several things wrong at once: the earlier check speaks.
      [{ ...ofStranger, to: ben.instance, timeMs: old.timeMs, expiresMs: old.expiresMs }, ana.peer, 'wrong_sender'],
      [{ ...ofBen, to: ana.instance, timeMs: old.timeMs, expiresMs: old.expiresMs }, ben.peer, 'blocked']
    ]
    for (const [wrong, carrier, reason] of cases) {
      const withId = reason !== 'unsupported' && reason !== 'malformed' ? wrong.id : expect.any(String)
      expect(rejected(admission.admit(unsigned(wrong), { carrier })), reason).toEqual([reason, withId])
    }
    expect(admission.admit(unsigned(forever), { carrier: ana.peer }).verdict).toBe('accept')
  })

  it('S-08: judges times with the tolerance of honest clocks', () => {
    const { admission, content, clock } = world()
    const now = clock.wallMs()
    const behind = content({ timeMs: now - 2 * CLOCK_TOLERANCE_MS, expiresMs: now - CLOCK_TOLERANCE_MS })
    const ahead = content({ timeMs: now + CLOCK_TOLERANCE_MS, expiresMs: now + 2 * CLOCK_TOLERANCE_MS })
    for (const message of [behind, ahead]) {
      expect(admission.admit(unsigned(message), { carrier: ana.peer }).verdict).toBe('accept')
    }
  })

  it('answers bytes that are no envelope, with the id where there is one', () => {
    const { admission, content } = world()
    const good = unsigned(content())
    const noise = { ...good, signed: Uint8Array.of(1, 2, 3) }
    expect(rejected(admission.admit(noise, { carrier: ana.peer }))).toEqual(['malformed', undefined])
    const message = content()
    const shortSig = { ...unsigned(message), sig: new Uint8Array(63) }
    const verdict = admission.admit(shortSig, { carrier: ana.peer })
    expect(rejected(verdict)).toEqual(['malformed', message.id])
    expect(receiptFor(verdict)).toMatchObject({ id: message.id, outcome: 'rejected', reason: 'malformed' })
    expect(receiptFor(admission.admit(noise, { carrier: ana.peer }))).toBeUndefined()
  })

  it('lets a repeat of what was kept pass after its expiry, for the receipt that is owed', async () => {
    const { admission, content, store, clock } = world()
    const message = content()
    const envelope = unsigned(message)
    const arrival = { peer: ana.peer, envelope, content: message, hash: hashOf(envelope.signed) }
    store.inbox.insert([rowOf(arrival, 'message', clock.wallMs())])
    clock.jump(EXPIRY_MAX_MS)
    expect(admission.admit(envelope, { carrier: ana.peer }).verdict).toBe('accept')
    expect(
      admission.admit(
        unsigned(content({ ...message, id: 'f'.repeat(32), trace: { root: 'f'.repeat(32), depth: 0, hops: [] } })),
        { carrier: ana.peer }
      ).verdict
    ).toBe('reject')
  })

  it('tells a fast sender to come back, drops a flood, and does neither to others', async () => {
    const { admission, content, clock, trust } = world()
    trust.set(ben.instance, { level: 'paired', how: 'command' })
    const message = unsigned(content())
    const seen = new Set<string>()
    let first: Verdict | undefined
    for (let i = 0; i < 30_000 && !seen.has('drop'); i++) {
      const verdict = admission.admit(message, { carrier: ana.peer })
      if (verdict.verdict === 'defer') first ??= verdict
      seen.add(verdict.verdict)
    }
    expect([...seen]).toEqual(['accept', 'defer', 'drop'])
    const receipt = first && receiptFor(first)
    expect(receipt).toMatchObject({ outcome: 'deferred', reason: 'overloaded' })
    expect(receipt?.untilMs).toBeGreaterThan(clock.wallMs())
    const other = unsigned(ben.content(self.instance, 'hello', clock.wallMs()))
    expect(admission.admit(other, { carrier: ben.peer }).verdict).toBe('accept')
    await clock.advance(10_000)
    expect(admission.admit(message, { carrier: ana.peer }).verdict).toBe('accept')
  })

  it('makes bad signatures costly', () => {
    const { admission, content } = world()
    for (let i = 0; i < 100; i++) admission.strike(ana.peer)
    expect(admission.admit(unsigned(content()), { carrier: ana.peer }).verdict).toBe('drop')
  })
})
