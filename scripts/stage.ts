import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './build.ts'

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url))

/** Beside `dist/` and package.json, what the host reads of a plugin's folder; the second only when there are old settings to repair. */
const HOST_FILES = ['openclaw.plugin.json', 'doctor-contract-api.js']

/** Parts of package.json that are about this checkout. */
const CHECKOUT_KEYS = ['scripts', 'devDependencies', 'allowScripts']

/**
 * Puts into `folder` what the host reads of the plugin, but for `dist/`. A linked folder is copied whole at each registration: a checkout,
 * whose `node_modules` are a gigabyte, must never be linked.
 */
export async function stageManifests(folder: string): Promise<void> {
  for (const file of HOST_FILES) {
    if (existsSync(join(CHECKOUT, file))) await cp(join(CHECKOUT, file), join(folder, file))
  }
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
