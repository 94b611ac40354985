import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/** What may be inside a package under the MIT licence. A new one is a decision, so it stops the build. */
const LICENSES = new Set([
  'MIT',
  'Apache-2.0',
  'Apache-2.0 OR MIT',
  'MIT OR Apache-2.0',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause'
])

/** Many packages of the libp2p family name their licence and ship no text: the standard text stands once for all of them. */
const APACHE = 'Apache-2.0'
const APACHE_TEXT = new URL('licenses/Apache-2.0.txt', import.meta.url)

const LICENSE_FILE = /^(?:licen[cs]e|copying|notice)(?:[-.]|$)/i
const HEADER = 'libp2p-mesh contains parts of the following packages.\n'
const RULE = `\n${'-'.repeat(80)}\n`

/** The licence texts of every package that has code in the bundle, sorted by name. Throws for a package without a known licence. */
export async function notices(root: string, metafile: Metafile): Promise<string> {
  const entries = new Map<string, string>()
  for (const folder of bundledFolders(metafile)) {
    const { key, text } = await notice(join(root, folder))
    entries.set(key, text)
  }
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)
  return [HEADER, ...sorted, await readFile(APACHE_TEXT, 'utf8')].join(RULE)
}

/** Folders of the packages that have code in the bundle, `node_modules/@scope/name`; the innermost one when nested. */
export function bundledFolders({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap(output => Object.keys(output.inputs))
  const folders = inputs.flatMap(input => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [])
  return [...new Set(folders)]
}

async function notice(folder: string): Promise<{ key: string; text: string }> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: string
  }
  const key = `${name} ${version}`
  if (license === undefined || !LICENSES.has(license))
    throw new Error(`${key}: licence "${license}" is not one that we may bundle`)
  const names = (await readdir(folder)).filter(file => LICENSE_FILE.test(file)).sort()
  if (names.length === 0) {
    if (!license.includes(APACHE)) throw new Error(`${key} ships no licence text`)
    return { key, text: `${key} (${license}), under ${APACHE}, whose text stands at the end` }
  }
  const texts = await Promise.all(names.map(async file => (await readFile(join(folder, file), 'utf8')).trim()))
  return { key, text: [`${key} (${license})`, ...texts].join('\n\n') }
}
