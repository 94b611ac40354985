import { expect, it } from 'vitest'
import { Budget } from '../../src/node/budget.ts'

const granted = (budget: Budget, keys: string[]): number => keys.filter(key => budget.take(key)).length
const same = (key: string, count: number): string[] => Array.from({ length: count }, () => key)
const others = (count: number): string[] => Array.from({ length: count }, (_, i) => `key ${i}`)

it('one who takes too much leaves the shares of the others alone', () => {
  const budget = new Budget({ each: 10, all: 100 })
  expect(granted(budget, same('greedy', 1_000))).toBe(10)
  expect(granted(budget, same('modest', 5))).toBe(5)
})

it('all together get no more than there is, until it is renewed', () => {
  const budget = new Budget({ each: 10, all: 100 })
  expect(granted(budget, others(1_000))).toBe(100)
  expect(budget.take('late')).toBe(false)
  budget.renew()
  expect(budget.take('late')).toBe(true)
})

it('a crowd of names takes a bounded amount of memory', () => {
  const budget = new Budget({ each: 10, all: 1_000_000 })
  expect(granted(budget, others(100_000))).toBe(256)
})
