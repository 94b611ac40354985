import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { WEAKNESSES } from './hostile/weaknesses.ts'

const ROOT = new URL('../', import.meta.url)

it.each(Object.entries(WEAKNESSES))('the weakness planted for %s still fits the sources', (_, { changes }) => {
  const texts = new Map<string, string>()
  for (const { file, from, to } of changes) {
    const text = texts.get(file) ?? readFileSync(new URL(file, ROOT), 'utf8')
    expect(text.split(from)).toHaveLength(2)
    texts.set(
      file,
      text.replace(from, () => to)
    )
  }
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
