import { bytesOf, type Files } from './tarball.ts'

/** What lies beside `dist/`, to the last file: a key, a note or a test never slips into a release. */
const BESIDE_DIST = ['CHANGELOG.md', 'LICENSE', 'README.md', 'openclaw.plugin.json', 'package.json']
/** There when the plugin's manifest says that the host may repair old settings with it: the host looks for this name. */
const DOCTOR_CONTRACT = 'dist/doctor-contract-api.js'

/** npm runs these at everybody who installs the package. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall']
/** Everything is bundled: the host copies a package and all that is installed with it at each registration. */
const RUNTIME_DEPENDENCIES = ['dependencies', 'optionalDependencies', 'bundleDependencies', 'bundledDependencies']

/** Installed. A promise of ours; the host allows more. */
const MAX_BYTES = 15_000_000

/** The parts of package.json and openclaw.plugin.json that are judged. */
export interface Manifests {
  package: Record<string, unknown> & { scripts?: Record<string, string> }
  plugin: { doctorContract?: unknown }
}

/** What must not be in the package and what is missing in it, in sentences. `dist/` is not judged here. */
export function contentProblems(files: Files, { plugin }: Pick<Manifests, 'plugin'>): string[] {
  const needed = [...BESIDE_DIST, ...(plugin.doctorContract === undefined ? [] : [DOCTOR_CONTRACT])]
  const problems: string[] = []
  for (const path of needed) if (!files.has(path)) problems.push(`${path} is missing`)
  for (const path of files.keys()) {
    if (!path.startsWith('dist/') && !BESIDE_DIST.includes(path))
      problems.push(`${path} does not belong in the package`)
    if (path.endsWith('.node')) problems.push(`${path} is a native add-on`)
  }
  return problems
}

/** `dist/` of the package against a build of the sources, file by file. */
export function staleProblems(packed: Files, built: Files): string[] {
  const paths = new Set([...packed.keys(), ...built.keys()])
  return [...paths].flatMap(path => {
    if (!built.has(path)) return [`dist/${path} is in the package, and no build of these sources makes it`]
    if (!packed.has(path)) return [`dist/${path} is not in the package`]
    return packed.get(path)?.hash === built.get(path)?.hash
      ? []
      : [`dist/${path} is not what these sources give: run \`npm run build\``]
  })
}

export function manifestProblems({ package: manifest }: Pick<Manifests, 'package'>): string[] {
  const scripts = INSTALL_SCRIPTS.filter(name => manifest.scripts?.[name] !== undefined)
  const dependencies = RUNTIME_DEPENDENCIES.filter(name => Object.keys(manifest[name] ?? {}).length > 0)
  return [
    ...scripts.map(name => `package.json: script "${name}" would run at every installation`),
    ...dependencies.map(name => `package.json: "${name}" would be installed, and copied by the host, with the package`),
    ...(manifest['gypfile'] === undefined ? [] : ['package.json: "gypfile" makes npm compile at every installation'])
  ]
}

export function sizeProblems(files: Files): string[] {
  const bytes = bytesOf(files)
  return bytes <= MAX_BYTES ? [] : [`${bytes} bytes, more than ${MAX_BYTES}`]
}
