import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ROUTES_MAX, STRANGERS_MAX } from '../../src/mesh/route-table.ts'
import { temporaryDirectory } from '../store/temporary.ts'

const SYBILS = fileURLToPath(new URL('sybils.ts', import.meta.url))

/** The promise. */
const RSS_MAX_BYTES = 20 * 1024 * 1024
const WRITE_SPACING_MS = 5_000

/** V8 lets its nursery grow with the rate of allocation, whatever is kept of it; a fixed one shows what is kept. */
const NODE_OPTIONS = ['--experimental-transform-types', '--no-warnings', '--max-semi-space-size=4', '--expose-gc']

interface Flood {
  ms: number
  writes: number
  known: number
  rssBytes: number
  friend: boolean
}

async function flood(policy: 'pairing' | 'open', names: number): Promise<Flood> {
  const words = [...NODE_OPTIONS, SYBILS, temporaryDirectory(), policy, String(names)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
  return JSON.parse(output)
}

describe('a flood of names', () => {
  it('S-03: 100,000 strangers leave the file alone and take at most 20 MiB', { timeout: 180_000 }, async () => {
    const { writes, known, rssBytes, friend } = await flood('pairing', 100_000)
    expect({ writes, known, friend }).toEqual({ writes: 0, known: STRANGERS_MAX + 1, friend: true })
    expect(rssBytes).toBeLessThanOrEqual(RSS_MAX_BYTES)
  })

  it('S-03: with an open policy, the file is written once in five seconds at most', { timeout: 180_000 }, async () => {
    const { ms, writes, known, friend } = await flood('open', 100_000)
    expect({ known, friend }).toEqual({ known: ROUTES_MAX, friend: true })
    expect(writes).toBeGreaterThan(0)
    expect(writes).toBeLessThanOrEqual(Math.ceil(ms / WRITE_SPACING_MS))
  })
})
