import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { SEAMS } from './chaos/bundle.ts'
import { PLANTS } from './chaos/plants.ts'
import { planted } from './fixtures/planted.ts'

const ROOT = new URL('../', import.meta.url)

it.each(Object.entries(PLANTS))('the bug %s still fits the sources', (_, { changes }) => {
  expect(planted(fileURLToPath(ROOT), changes).size).toBeGreaterThan(0)
})

it.each(SEAMS)('$importer imports $wanted, where the seam $seam goes between', ({ importer, wanted }) => {
  expect(readFileSync(new URL(importer, ROOT), 'utf8')).toContain(` from '${wanted}'`)
})
