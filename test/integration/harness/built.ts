import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from '../../../scripts/build.ts'
import { BIN } from './bare-node.ts'

const SOURCES = fileURLToPath(new URL('../../../src', import.meta.url))

/** Runs once before the tests: builds `dist/` when it is missing or older than a source, so that the program is what these sources say. */
export async function setup(): Promise<void> {
  const builtMs = await stat(BIN).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0
  )
  const files = await readdir(SOURCES, { recursive: true })
  const changes = await Promise.all(files.map(async file => (await stat(join(SOURCES, file))).mtimeMs))
  if (changes.some(changedMs => changedMs > builtMs)) await build({ types: false })
}
