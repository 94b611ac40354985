import { access, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stageManifests } from '../../../scripts/stage.ts'
import type { Sandbox } from './sandbox.ts'

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * Copies the built plugin of this checkout into the sandbox and returns the folder, for `pluginPaths`: the quickest way
 * to run it in a gateway (no install, 12 s less).
 */
export async function stagePlugin(sandbox: Sandbox): Promise<string> {
  // Each call its own: a gateway may be reading an earlier copy at this moment.
  const folder = await sandbox.folder(`plugin-${crypto.randomUUID().slice(0, 8)}`)
  await access(join(CHECKOUT, 'dist')).catch((cause: unknown) => {
    throw new Error('dist/ is missing: run npm run build first', { cause })
  })
  await Promise.all([stageManifests(folder), cp(join(CHECKOUT, 'dist'), join(folder, 'dist'), { recursive: true })])
  return folder
}
