import { expect, it } from 'vitest'
import { ownLabel } from '../../src/mesh/label.ts'
import { ADJECTIVES, NOUNS } from '../../src/mesh/label-words.ts'
import { parseLabel } from '../../src/protocol/index.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

it('takes the name in the settings, and reports one that is no label', () => {
  const [store, log] = [new FakeStore(), new FakeLog()]
  expect(ownLabel('Anna 1', { store, log })).toBe('Anna 1')
  expect(ownLabel('‮evil', { store, log })).toMatch(/^[a-z]+-[a-z]+$/)
  expect(log.at('warn')).toHaveLength(1)
})

it('S-29: makes two words of its own list once', () => {
  const [store, log] = [new FakeStore(), new FakeLog()]
  const made = ownLabel(undefined, { store, log })
  const [adjective = '', noun = ''] = made.split('-')
  expect(ADJECTIVES).toContain(adjective)
  expect(NOUNS).toContain(noun)
  expect(ownLabel(undefined, { store, log })).toBe(made)
})

it('every pair of words is a label', () => {
  expect(new Set(ADJECTIVES).size * new Set(NOUNS).size).toBe(64 * 64)
  for (const word of [...ADJECTIVES, ...NOUNS]) expect(parseLabel(`${word}-${word}`)).toBe(`${word}-${word}`)
})
