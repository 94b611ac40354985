import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { startEngine } from '../../src/engine/index.ts'
import { openKeyFile } from '../../src/store/index.ts'
import { optionsFor, stateDirectory, testHost } from './options.ts'

/** Long enough to be no accident, short enough to be found in a part. */
const PART_BYTES = 12

it('S-20: no part of the private key is in a log, an event, an answer, an error or what an inspection prints', async () => {
  const directory = stateDirectory()
  const { host, log, events } = testHost()
  const stop = new AbortController()
  const engine = await startEngine(optionsFor(directory), host, { signal: stop.signal })
  const said: unknown[] = []
  for (const [method, params] of [
    ['status', {}],
    ['peers', {}],
    ['nearby', {}],
    ['requests', {}],
    ['budget', {}],
    ['notices', {}],
    ['invite', { ttlMs: 60_000, uses: 1 }],
    ['join', { ticket: 'mesh1nonsense' }],
    ['resolve', { target: 'nobody' }]
  ] as const) {
    said.push(await engine.call(method, params).catch((error: unknown) => inspect(error, { depth: 9 })))
  }
  said.push(inspect(engine, { depth: 9, showHidden: true }), log.lines, events)
  stop.abort()
  await engine.ended
  const { seed } = openKeyFile(directory, { log })
  const text = JSON.stringify(said)
  expect(text.length).toBeGreaterThan(1_000)
  for (let start = 0; start + PART_BYTES <= seed.length; start++) {
    const part = Buffer.from(seed.subarray(start, start + PART_BYTES))
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) {
      const written = part.toString(encoding).replace(/=+$/, '').slice(0, -1)
      expect(text.includes(written), encoding).toBe(false)
    }
    expect(text.includes([...part].join(',')), 'numbers').toBe(false)
  }
})
