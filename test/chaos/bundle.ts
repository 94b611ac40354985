import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { planted } from '../fixtures/planted.ts'
import type { Plant } from './plants.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What a bundled CommonJS module needs to reach Node's own modules from an ES module. */
const BANNER =
  "import { createRequire as __createRequire } from 'node:module'\nconst require = __createRequire(import.meta.url)"

/** Who imports what: in between stands a seam, which does nothing unless it is told to. */
export const SEAMS = [
  { importer: 'src/engine/engine.ts', wanted: '../store/index.ts', seam: 'store' },
  { importer: 'src/engine/engine.ts', wanted: '../node/index.ts', seam: 'network' },
  { importer: 'src/standalone/node.ts', wanted: '../engine/index.ts', seam: 'engine' },
  { importer: 'src/node/assemble.ts', wanted: 'libp2p', seam: 'libp2p' }
]

const seams: Plugin = {
  name: 'seams',
  setup(builder) {
    for (const { importer, wanted, seam } of SEAMS)
      builder.onResolve({ filter: new RegExp(`^${wanted.replaceAll('.', '\\.')}$`) }, args =>
        args.importer === join(ROOT, importer) ? { path: join(ROOT, 'test/chaos/seams', `${seam}.ts`) } : undefined
      )
  }
}

const planting = ({ changes }: Plant): Plugin => ({
  name: 'plant',
  setup(builder) {
    const texts = planted(ROOT, changes)
    builder.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const contents = texts.get(relative(ROOT, path))
      return contents === undefined ? undefined : { contents, loader: 'ts' }
    })
  }
})

/** The programs that scenarios run and kill, as paths. */
export interface Programs {
  /** The program `libp2p-mesh` from these sources, with seams in it. */
  bin: string
  /** Commits rows for ever. */
  committer: string
  /** Plays random histories in one process. */
  histories: string
}

/** Bundles the programs into the folder: a process of one file starts within a fraction of what the sources take. */
export async function bundlePrograms(folder: string, plant?: Plant): Promise<Programs> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: {
      bin: 'src/bin.ts',
      committer: 'test/chaos/committer.ts',
      histories: 'test/chaos/histories/main.ts'
    },
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['openclaw', 'openclaw/*'],
    banner: { js: BANNER },
    logLevel: 'error',
    plugins: plant === undefined ? [seams] : [seams, planting(plant)]
  })
  // The program asks its package for its version.
  const manifest = {
    name: 'libp2p-mesh',
    version: '0.0.0',
    type: 'module',
    exports: { './package.json': './package.json' }
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  return {
    bin: join(folder, 'bin.js'),
    committer: join(folder, 'committer.js'),
    histories: join(folder, 'histories.js')
  }
}
