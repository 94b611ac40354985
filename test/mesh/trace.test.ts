import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { traceOfCaused, traceOfNew } from '../../src/mesh/trace.ts'
import { decodeContent, encodeContent, newId, TRACE_HOPS_MAX } from '../../src/protocol/index.ts'
import { FakeInstance } from '../fakes/instance.ts'

const ring = ['ana', 'ben', 'cleo'].map(name => new FakeInstance(name))
const crowd = Array.from({ length: 2 * TRACE_HOPS_MAX }, (_, index) => new FakeInstance(`member ${index}`))

describe('trace', () => {
  it('begins with itself', () => {
    const id = newId()
    expect(traceOfNew(id)).toEqual({ root: id, depth: 0, hops: [] })
  })

  it('goes one deeper per message, names the one before and collects whose hands it went through', () => {
    const [ana, ben, cleo] = ring
    if (!ana || !ben || !cleo) throw new Error('a ring has three')
    const first = ana.content(ben.instance, 'one', 1)
    const second = ben.content(cleo.instance, 'two', 2, { trace: traceOfCaused(first) })
    expect(second.trace).toEqual({ root: first.id, parent: first.id, depth: 1, hops: [ana.instance] })
    const third = traceOfCaused(second)
    expect(third).toEqual({ root: first.id, parent: second.id, depth: 2, hops: [ana.instance, ben.instance] })
  })

  it('stays within the limits of the wire for any chain', () => {
    const chains = fc.array(fc.nat(crowd.length - 2), { minLength: 1, maxLength: 3 * TRACE_HOPS_MAX })
    const property = fc.property(chains, steps => {
      let trace = traceOfNew(newId())
      for (const step of steps) {
        const sender = crowd[step] as FakeInstance
        const to = (crowd[step + 1] as FakeInstance).instance
        const content = sender.content(to, 'x', 1, { ...(trace.depth === 0 && { id: trace.root }), trace })
        expect(decodeContent(encodeContent(content)).trace).toEqual(trace)
        trace = traceOfCaused(content)
        expect(trace.hops).toContain(sender.instance)
        expect(new Set(trace.hops).size).toBe(trace.hops.length)
      }
    })
    fc.assert(property, { numRuns: 40 })
  })
})
