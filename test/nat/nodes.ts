import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { withoutPortMapper } from '../../scripts/build.ts'
import type { Sandbox } from '../host/harness/sandbox.ts'
import { BIN } from '../integration/harness/bare-node.ts'
import type { Machine, Running } from './lab.ts'

const REQUIRE_BANNER = "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);"

/** Admits everybody, finds by mDNS, and leaves everything else as it is. */
const OPEN = { dmPolicy: 'open', allowFrom: ['*'], enableUPnP: false }

let states = 0

/** One of the programs beside this file, as one JavaScript file. */
export async function bundle(sandbox: Sandbox, program: string): Promise<string> {
  const outfile = join(await sandbox.folder('programs'), program.replace(/ts$/, 'mjs'))
  await build({
    entryPoints: [join(import.meta.dirname, program)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    plugins: [withoutPortMapper],
    banner: { js: REQUIRE_BANNER }
  })
  return outfile
}

/** The built program as a user starts it, with a new identity. Its `peer` event comes with a link. */
export async function startBare(sandbox: Sandbox, machine: Machine): Promise<Running> {
  const folder = await sandbox.folder(`state-${++states}`)
  const config = join(folder, 'settings.json')
  await writeFile(config, JSON.stringify(OPEN))
  return await machine.start(process.execPath, [BIN, 'node', '--state', folder, '--config', config, '--verbose'])
}
