import { watch } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from './build.ts'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

/** An editor writes a file in several steps: one build for all of them. */
const SETTLE_MS = 100

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

async function rebuild(): Promise<void> {
  const startedMs = performance.now()
  try {
    await build({ types: false })
    console.log(`built dist/ in ${Math.round(performance.now() - startedMs)} ms, watching src/`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
  }
}

await rebuild()
let timer: NodeJS.Timeout | undefined
let running = Promise.resolve()
try {
  for await (const _ of watch(SRC, { recursive: true, signal: stop.signal })) {
    clearTimeout(timer)
    timer = setTimeout(() => {
      running = running.then(rebuild)
    }, SETTLE_MS)
  }
} catch (error) {
  if (!stop.signal.aborted) throw error
} finally {
  clearTimeout(timer)
  await running
}
