import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { planted } from './fixtures/planted.ts'
import { WEAKNESSES } from './hostile/weaknesses.ts'

const ROOT = new URL('../', import.meta.url)

it.each(Object.entries(WEAKNESSES))('the weakness planted for %s still fits the sources', (_, { changes }) => {
  expect(planted(fileURLToPath(ROOT), changes).size).toBeGreaterThan(0)
})

it('every case of the hostile suite has its weakness, and every weakness its case', () => {
  const folder = new URL('test/hostile/', ROOT)
  const titles = readdirSync(folder)
    .filter(file => file.endsWith('.test.ts'))
    .flatMap(file => [...readFileSync(new URL(file, folder), 'utf8').matchAll(/\bit(?:\.each\(.*\))?\('([^']*)/g)])
    .map(([, title = '']) => title)
  const attacked = new Set(titles.flatMap(title => title.match(/S-\d\d/g) ?? []))
  expect(titles.filter(title => !title.startsWith('S-'))).toEqual([])
  expect([...attacked].toSorted()).toEqual(Object.keys(WEAKNESSES).toSorted())
})
