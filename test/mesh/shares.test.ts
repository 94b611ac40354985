import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Shares } from '../../src/mesh/shares.ts'

it('lets instances take turns, and what waits for each in the order in which it came', () => {
  const shares = new Shares<string>({ max: 9 })
  for (const one of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2', 'a1']) shares.add(one.slice(0, 1), one)
  expect(shares.size).toBe(6)
  expect(Array.from({ length: 7 }, () => shares.next())).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', undefined])
  expect(shares.size).toBe(0)
})

it('R-20: passes over who has its share, and takes it up where it was when a place is free', () => {
  const shares = new Shares<string>({ max: 1 })
  for (const one of ['a1', 'a2', 'b1']) shares.add(one.slice(0, 1), one)
  expect(shares.next()).toBe('a1')
  shares.begin('a')
  expect([shares.next(), shares.next(), shares.size]).toEqual(['b1', undefined, 1])
  shares.end('a')
  expect(shares.next()).toBe('a2')
})

it('R-20: never gives one instance more than its share, and never keeps back what may go', () => {
  const step = fc.record({ kind: fc.constantFrom('add', 'next', 'end'), instance: fc.constantFrom('a', 'b', 'c') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 3 }), (steps, max) => {
      const shares = new Shares<string>({ max })
      const waiting: string[] = []
      const taken = new Map([...'abc'].map(name => [name, 0]))
      const change = (name: string, by: number): void => void taken.set(name, (taken.get(name) ?? 0) + by)
      for (const [number, { kind, instance }] of steps.entries()) {
        if (kind === 'add') {
          waiting.push(`${instance}${number}`)
          shares.add(instance, `${instance}${number}`)
        } else if (kind === 'end' && (taken.get(instance) ?? 0) > 0) {
          change(instance, -1)
          shares.end(instance)
        } else if (kind === 'next') {
          const may = waiting.filter(one => (taken.get(one.slice(0, 1)) ?? 0) < max)
          const next = shares.next()
          expect(next === undefined).toBe(may.length === 0)
          if (next === undefined) continue
          const name = next.slice(0, 1)
          expect(next).toBe(may.find(one => one.startsWith(name)))
          waiting.splice(waiting.indexOf(next), 1)
          change(name, 1)
          shares.begin(name)
        }
        expect(shares.size).toBe(waiting.length)
      }
    })
  )
})
