import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { SEAMS } from './chaos/bundle.ts'
import { PLANTS } from './chaos/plants.ts'

const ROOT = new URL('../', import.meta.url)

it.each(Object.entries(PLANTS))('the bug %s still fits the sources', (_, { changes }) => {
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

it.each(SEAMS)('$importer imports $wanted, where the seam $seam goes between', ({ importer, wanted }) => {
  expect(readFileSync(new URL(importer, ROOT), 'utf8')).toContain(` from '${wanted}'`)
})
