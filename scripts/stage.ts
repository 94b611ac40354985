import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './build.ts'

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url))

const PLUGIN_MANIFEST = 'openclaw.plugin.json'

/** Parts of package.json that are about this checkout. */
const CHECKOUT_KEYS = ['scripts', 'devDependencies', 'allowScripts']

/**
 * Puts into `folder` what the host reads of the plugin, but for `dist/`. A linked folder is copied whole at each registration: a checkout,
 * whose `node_modules` are a gigabyte, must never be linked.
 */
export async function stageManifests(folder: string): Promise<void> {
  await cp(join(CHECKOUT, PLUGIN_MANIFEST), join(folder, PLUGIN_MANIFEST))
  const manifest = JSON.parse(await readFile(join(CHECKOUT, 'package.json'), 'utf8')) as Record<string, unknown>
  for (const key of CHECKOUT_KEYS) delete manifest[key]
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** Makes `folder`, which is emptied first, a plugin of these sources that the host can link. */
export async function stage(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await Promise.all([stageManifests(folder), build({ root: CHECKOUT, outDir: join(folder, 'dist') })])
}

if (import.meta.main) {
  const folder = join(CHECKOUT, 'stage')
  await stage(folder)
  console.log(`staged; load it with: openclaw plugins install --link "${folder}" --force --accept-capabilities`)
}
