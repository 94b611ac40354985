import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './build.ts'
import { bundleProblems, importedBySources } from './package/bundle.ts'
import { contentProblems, type Manifests, manifestProblems, sizeProblems, staleProblems } from './package/contents.ts'
import { helpOf, install } from './package/install.ts'
import { bytesOf, contentsOf, packTarball, unpackTarball } from './package/tarball.ts'
import { runAttw, runClawHub, runPluginInspector, runPublint, type Verdict } from './package/tools.ts'

/** `npm run package`: packs what is built and judges the file as a stranger gets it. Nothing of it touches `dist/` or a network. */
const ROOT = fileURLToPath(new URL('..', import.meta.url))

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T
}

/** Every check, by name. All of them get the same tarball. */
async function checksOf(scratch: string): Promise<Record<string, () => Promise<Verdict>>> {
  const tarball = await packTarball(scratch)
  const folder = await unpackTarball(tarball, scratch)
  const files = await contentsOf(folder)
  const manifests: Manifests = {
    package: await readJson(join(folder, 'package.json')),
    plugin: await readJson(join(folder, 'openclaw.plugin.json'))
  }
  const outDir = join(scratch, 'dist')
  const { metafile } = await build({ root: ROOT, outDir })
  const packed = await contentsOf(join(folder, 'dist'))

  return {
    contents: async () => ({
      problems: [...contentProblems(files, manifests), ...manifestProblems(manifests)],
      words: `${files.size} files, ${megabytes(bytesOf(files))}, no install script, no runtime dependency`
    }),
    fresh: async () => ({
      problems: staleProblems(packed, await contentsOf(outDir)),
      words: `${packed.size} files of dist/ are what these sources give, by SHA-256`
    }),
    bundle: async () => ({
      problems: await bundleProblems(
        ROOT,
        metafile,
        importedBySources(metafile, Object.keys(manifests.package.devDependencies ?? {}))
      ),
      words: 'no native add-on, no install script, no second copy, nothing left out'
    }),
    install: async () => {
      const project = join(scratch, 'project')
      await mkdir(project)
      const installed = await install(tarball, 'libp2p-mesh', project)
      const strangers = installed.packages.filter(path => path !== 'node_modules/libp2p-mesh')
      const help = await helpOf(installed)
      return {
        problems: [
          ...strangers.map(path => `${path} was installed too`),
          ...installed.scripted.map(path => `${path} has an install script`),
          ...sizeProblems(installed.files),
          ...staleProblems(await contentsOf(join(installed.folder, 'dist')), packed),
          ...(help.includes('libp2p-mesh') ? [] : [`libp2p-mesh --help says:\n${help}`])
        ],
        words: `${megabytes(bytesOf(installed.files))} installed, the program runs`
      }
    },
    publint: () => runPublint(tarball),
    attw: () => runAttw(tarball, scratch),
    'plugin-inspector': () => runPluginInspector(folder, scratch),
    clawhub: () => runClawHub(folder, scratch)
  }
}

async function judge(name: string, check: () => Promise<Verdict>): Promise<boolean> {
  const startedMs = performance.now()
  const { problems, words } = await check()
  const seconds = `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`
  if (problems.length === 0) console.log(`ok    ${name}  ${seconds}  ${words}`)
  else console.log([`FAIL  ${name}  ${seconds}`, ...problems].join('\n      '))
  return problems.length === 0
}

const scratch = await mkdtemp(join(tmpdir(), 'libp2p-mesh-package-'))
try {
  const results: boolean[] = []
  for (const [name, check] of Object.entries(await checksOf(scratch))) results.push(await judge(name, check))
  process.exitCode = results.includes(false) ? 1 : 0
} finally {
  await rm(scratch, { recursive: true, force: true })
}
