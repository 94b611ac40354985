import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import type { TrustLevel } from '../../src/mesh/ports.ts'
import { Trust, type TrustPolicy } from '../../src/mesh/trust.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const ana = new FakeInstance('ana')
const ben = new FakeInstance('ben')

function world(policy: Partial<TrustPolicy> = {}) {
  const store = new FakeStore()
  const clock = new FakeClock()
  const log = new FakeLog()
  const trust = new Trust({ store, clock, log }, { dmPolicy: 'pairing', allowFrom: [], ...policy })
  return { store, clock, log, trust }
}

const policies = fc.constantFrom<TrustPolicy['dmPolicy']>('pairing', 'allowlist', 'open', 'disabled')
const levels = fc.constantFrom<TrustLevel>('blocked', 'unknown', 'paired', 'trusted')
const records = fc.option(fc.record({ level: levels, tombstone: fc.boolean() }), { nil: undefined })

describe('Trust', () => {
  it('keeps its precedence: block or tombstone, disabled, own record, allowFrom, open with a star', () => {
    const property = fc.property(records, policies, fc.boolean(), fc.boolean(), (record, dmPolicy, listed, star) => {
      const { store, trust } = world({
        dmPolicy,
        allowFrom: [...(listed ? [`some-label@${ana.instance}`] : []), ...(star ? ['*'] : [])]
      })
      if (record !== undefined) {
        store.trust.put({ instance: ana.instance, peers: [], sinceMs: 1, how: 'command', revision: 0, ...record })
      }
      const expected = ((): TrustLevel => {
        if (record?.level === 'blocked') return 'blocked'
        if (record?.tombstone) return 'unknown'
        if (dmPolicy === 'disabled') return 'unknown'
        if (record) return record.level
        if (listed) return 'paired'
        return dmPolicy === 'open' && star ? 'paired' : 'unknown'
      })()
      expect(trust.levelOf(ana.instance)).toBe(expected)
      expect(trust.admitted(ana.instance)).toBe(expected === 'paired' || expected === 'trusted')
    })
    fc.assert(property)
  })

  it('reads instance ids, fingerprints and peer ids in allowFrom, and says what is neither', () => {
    const allowFrom = [ana.peer, ben.instance.toUpperCase().replaceAll('-', ' '), 'not an id', '*']
    const { trust } = world({ dmPolicy: 'allowlist', allowFrom })
    expect(trust.admitted(ana.instance)).toBe(true)
    expect(trust.admitted(ben.instance)).toBe(true)
    expect(trust.peerOf(ana.instance)).toBe(ana.peer)
    expect(trust.peerOf(ben.instance)).toBeUndefined()
    expect(trust.issues()).toEqual([
      'allowFrom has "*", which lets nobody in while dmPolicy is "allowlist".',
      'allowFrom has "not an id", which names nobody here: is a letter wrong, or a group empty?'
    ])
  })

  it('writes a record with a growing revision and keeps since while the level stays', async () => {
    const { trust, clock } = world()
    const first = trust.set(ana.instance, { level: 'paired', peer: ana.peer, how: 'command' })
    await clock.advance(1_000)
    const second = trust.set(ana.instance, { level: 'paired', petname: 'Ana', how: 'command' })
    expect(second).toMatchObject({ revision: first.revision + 1, sinceMs: first.sinceMs, peers: [ana.peer] })
    expect(trust.petnameOf(ana.instance)).toBe('Ana')
    const third = trust.set(ana.instance, { level: 'trusted', how: 'command' })
    expect(third).toMatchObject({ sinceMs: first.sinceMs + 1_000, petname: 'Ana', level: 'trusted' })
  })

  it('writes over the newest record when somebody was quicker, and gives up when that goes on', () => {
    const { store, trust } = world()
    const put = store.trust.put.bind(store.trust)
    let rivals = 1
    store.trust.put = record => {
      if (rivals-- > 0) put({ ...record, level: 'blocked' })
      return put(record)
    }
    expect(trust.set(ana.instance, { level: 'paired', how: 'command' })).toMatchObject({ revision: 2, level: 'paired' })
    rivals = Number.POSITIVE_INFINITY
    const set = () => trust.set(ana.instance, { level: 'trusted', how: 'command' })
    expect(set).toThrow(expect.objectContaining({ code: 'store_failed', retryable: true }))
  })

  it('refuses a peer id whose key is not the instance', () => {
    const { trust } = world()
    const set = () => trust.set(ana.instance, { level: 'paired', peer: ben.peer, how: 'command' })
    expect(set).toThrow(MeshError)
    expect(trust.all()).toEqual([])
  })

  it('lets a tombstone give way to the word of the owner only', () => {
    const { store, trust } = world()
    const forgotten = { instance: ana.instance, peers: [], sinceMs: 1, revision: 0, tombstone: true }
    store.trust.put({ ...forgotten, level: 'paired', how: 'command' })
    for (const how of ['settings', 'host'] as const) {
      trust.set(ana.instance, { level: 'paired', how })
      expect(trust.levelOf(ana.instance)).toBe('unknown')
    }
    trust.set(ana.instance, { level: 'paired', how: 'command' })
    expect(trust.levelOf(ana.instance)).toBe('paired')
  })

  it('S-32: everybody goes with the policy, whatever else stands, and that is said', () => {
    const { trust } = world({ dmPolicy: 'open', allowFrom: ['*'] })
    expect([trust.admitted(ana.instance), trust.issues()]).toEqual([true, []])
    for (const dmPolicy of ['pairing', 'allowlist', 'disabled'] as const) {
      trust.update({ dmPolicy, allowFrom: ['*'] })
      expect(trust.admitted(ana.instance)).toBe(false)
      expect(trust.issues()).toEqual([`allowFrom has "*", which lets nobody in while dmPolicy is "${dmPolicy}".`])
    }
  })

  it('S-32: a new policy revokes at once', () => {
    const { trust } = world({ dmPolicy: 'allowlist', allowFrom: [ana.peer] })
    expect(trust.admitted(ana.instance)).toBe(true)
    trust.update({ dmPolicy: 'allowlist', allowFrom: [] })
    expect(trust.admitted(ana.instance)).toBe(false)
  })

  it('tells listeners which instance changed, or that all may have; a throwing one does not silence the others', () => {
    const { trust, log } = world()
    const heard: Array<string | undefined> = []
    trust.onChange(() => {
      throw new Error('broken')
    })
    const off = trust.onChange(instance => heard.push(instance))
    trust.set(ana.instance, { level: 'paired', how: 'command' })
    trust.update({ dmPolicy: 'open', allowFrom: [] })
    off()
    trust.set(ana.instance, { level: 'blocked', how: 'command' })
    expect(heard).toEqual([ana.instance, undefined])
    expect(log.at('error')).toHaveLength(3)
  })

  it('takes a bounded number of listeners', () => {
    const { trust } = world()
    const add = () => {
      for (let i = 0; i < 1_000; i++) trust.onChange(() => {})
    }
    expect(add).toThrow(MeshError)
  })
})
