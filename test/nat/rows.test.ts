import { beforeAll, describe, expect, it } from 'vitest'
import { setup as buildProgram } from '../integration/harness/built.ts'
import { missing } from './missing.ts'
import { ROWS } from './rows.ts'
import { faults, runRow } from './run-row.ts'

/** Two starts of two nodes, a talk, and for some the wait for a straight way, on a machine with other work. */
const ROW_MAX_MS = 120_000

describe('two nodes that were paired before and come up at once', () => {
  beforeAll(async () => {
    await buildProgram()
  })

  it.for(ROWS)(
    'R-16: $name: the first message within 2 s, every message once',
    { timeout: ROW_MAX_MS },
    async (row, { skip }) => {
      const lacking = missing(...row.needs)
      if (lacking !== undefined) skip(lacking)
      const line = await runRow(row)
      console.log(JSON.stringify(line))
      expect(faults(row, line)).toEqual([])
    }
  )
})
