import { access, readdir, readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'
import { SINGLE } from '../check-versions.ts'
import { bundledFolders } from '../notices.ts'

/** Each direct dependency is somebody else's release process: a new one replaces an old one. */
const MAX_DIRECT = 25

/** What npm would compile, or a platform's own code that was compiled before. */
const NATIVE = ['binding.gyp', 'prebuilds']
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall']

interface BundledPackage {
  name: string
  scripts?: Record<string, string>
  gypfile?: boolean
}

/** What is wrong with the code of others that the package carries, in sentences. `direct`: the dependencies that package.json names. */
export async function bundleProblems(root: string, metafile: Metafile, direct: readonly string[]): Promise<string[]> {
  const folders = bundledFolders(metafile)
  const problems = (await Promise.all(folders.map(folder => packageProblems(root, folder)))).flat()
  const used = direct.filter(name => folders.includes(`node_modules/${name}`))
  if (used.length > MAX_DIRECT) problems.push(`${used.length} direct dependencies, more than ${MAX_DIRECT}`)
  for (const name of SINGLE) {
    const copies = folders.filter(folder => folder.endsWith(`node_modules/${name}`))
    if (copies.length > 1) problems.push(`${copies.length} copies of ${name}: ${copies.join(', ')}`)
  }
  return [...problems, ...externalProblems(metafile)]
}

/** Those of the packages that code of ours imports; of some it uses the types alone, and they are in the bundle because others bring them. */
export function importedBySources({ inputs }: Metafile, names: readonly string[]): string[] {
  const imported = Object.entries(inputs)
    .filter(([path]) => path.startsWith('src/'))
    .flatMap(([, input]) => input.imports.map(({ path }) => path))
  return names.filter(name => imported.some(path => path.includes(`node_modules/${name}/`)))
}

/** Whatever is not in the bundle must be there on its own: Node's modules and the host. */
function externalProblems({ outputs }: Metafile): string[] {
  const paths = Object.values(outputs)
    .flatMap(({ imports }) => imports.filter(({ external }) => external === true))
    .map(({ path }) => path)
  return [...new Set(paths)]
    .filter(path => !isBuiltin(path) && path !== 'openclaw' && !path.startsWith('openclaw/'))
    .map(path => `"${path}" is neither bundled nor a module of Node or of the host`)
}

async function packageProblems(root: string, folder: string): Promise<string[]> {
  const manifest = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as BundledPackage
  const scripts = INSTALL_SCRIPTS.filter(name => manifest.scripts?.[name] !== undefined)
  const native =
    manifest.gypfile === true ||
    (await Promise.all(NATIVE.map(name => exists(join(root, folder, name))))).includes(true)
  const addons = (await readdir(join(root, folder), { recursive: true })).filter(file => file.endsWith('.node'))
  return [
    ...scripts.map(name => `${folder} has a script "${name}"`),
    ...(native || addons.length > 0 ? [`${folder} is, or has, a native add-on`] : [])
  ]
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false
  )
}
