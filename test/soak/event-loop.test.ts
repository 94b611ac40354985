import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const PROGRAM = fileURLToPath(new URL('host-thread.ts', import.meta.url))

/** Each way. */
const MESSAGES = 2_000
const AT_ONCE = 64
const BLOCKED_MAX_MS = 20

it(`S-33: ${MESSAGES} messages each way never keep the event loop of the host for ${BLOCKED_MAX_MS} ms`, {
  timeout: 180_000
}, async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--experimental-transform-types',
    '--disable-warning=ExperimentalWarning',
    PROGRAM,
    `${MESSAGES}`,
    `${AT_ONCE}`
  ])
  const measured = JSON.parse(stdout)
  console.info(stdout.trim())
  expect(stderr).toBe('')
  expect(measured.shown).toBeGreaterThanOrEqual(2 * MESSAGES)
  expect(measured.longestMs).toBeLessThanOrEqual(BLOCKED_MAX_MS)
})
