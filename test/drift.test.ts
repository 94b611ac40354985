import { describe, expect, it } from 'vitest'
import { committedText, TARGETS } from '../scripts/generate.ts'

describe('generated files', () => {
  for (const [name, target] of Object.entries(TARGETS)) {
    it(`${target.file} is what \`npm run generate -- ${name}\` writes`, async () => {
      expect(await committedText(target)).toBe(await target.text())
    })
  }
})
