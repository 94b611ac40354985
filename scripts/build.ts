import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build as bundle, type Metafile, type Plugin } from 'esbuild'
import { declarations } from './declarations.ts'
import { notices } from './notices.ts'
import { assertWalls } from './walls.ts'

const EXECUTABLE_MODE = 0o755

/** What a bundled CommonJS module needs to reach Node's own modules from an ES module. */
const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module'\nconst require = __createRequire(import.meta.url)\n"

/** esbuild emits this test exactly where a bundled module calls `require`. */
const REQUIRE_USED = 'typeof require !== "undefined"'

/**
 * libp2p's UPnP service brings a package that finds routers and talks to them, for when it is given none. It is given ours (src/node/port-mapping.ts), so
 * that package and what it needs stay out; one part of it cannot be bundled anyway, as it reads its package.json from where it was installed.
 */
export const withoutPortMapper: Plugin = {
  name: 'without-port-mapper',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@achingbrain\/nat-port-mapper$/ }, ({ path }) => ({ path, namespace: 'left-out' }))
    onLoad({ filter: /./, namespace: 'left-out' }, () => ({
      contents: "export function upnpNat () { throw new Error('this client is not part of the program') }"
    }))
  }
}

export interface BuildOptions {
  /** The folder that holds `src/`, `node_modules/` and `tsconfig.build.json`. */
  root?: string
  /** Where the result goes; emptied first. */
  outDir?: string
  /** Leave the declarations out: quicker, for watching. */
  types?: boolean
}

export interface BuildResult {
  /** Path below `outDir` -> bytes. */
  files: Record<string, number>
  metafile: Metafile
}

/**
 * Bundles the program into few files: the host copies the whole package at each registration, so nothing is left to install. Entries share
 * chunks, which lie beside them: `new URL('./engine.js', import.meta.url)` means the same in an entry and in a chunk. The same sources give the
 * same bytes.
 */
export async function build(options: BuildOptions = {}): Promise<BuildResult> {
  const root = options.root ?? fileURLToPath(new URL('..', import.meta.url))
  const outDir = options.outDir ?? join(root, 'dist')
  const [{ outputFiles, metafile }, types] = await Promise.all([
    bundle({
      absWorkingDir: root,
      entryPoints: {
        index: 'src/index.ts',
        'setup-entry': 'src/setup-entry.ts',
        // The host looks for this name, in the package's root or in dist/.
        'doctor-contract-api': 'src/openclaw/doctor.ts',
        engine: 'src/engine/index.ts',
        bin: 'src/bin.ts'
      },
      outdir: 'dist',
      bundle: true,
      splitting: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      external: ['openclaw', 'openclaw/*'],
      // `ws` would look for two native add-ons that nobody has installed here.
      define: { 'process.env.WS_NO_BUFFER_UTIL': '"1"', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"' },
      plugins: [withoutPortMapper],
      // The notices file carries every licence text.
      legalComments: 'none'
    }),
    options.types === false ? new Map<string, string>() : declarations(root)
  ])
  assertWalls(metafile)

  const files = new Map(types)
  for (const output of outputFiles) {
    const name = output.path.slice(join(root, 'dist').length + 1)
    files.set(name, withBanner(name, output.text))
  }
  files.set('THIRD_PARTY_NOTICES.txt', await notices(root, metafile))

  await rm(outDir, { recursive: true, force: true })
  for (const [name, text] of files) {
    const path = join(outDir, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  await chmod(join(outDir, 'bin.js'), EXECUTABLE_MODE)
  return { files: Object.fromEntries([...files].map(([name, text]) => [name, Buffer.byteLength(text)])), metafile }
}

function withBanner(name: string, text: string): string {
  const code = text.replace(/^#!.*\n/, '')
  const shebang = name === 'bin.js' ? '#!/usr/bin/env node\n' : ''
  return shebang + (code.includes(REQUIRE_USED) ? REQUIRE_BANNER : '') + code
}

if (import.meta.main) {
  const startedMs = performance.now()
  const { files } = await build()
  const sizes = Object.entries(files)
    .filter(([name]) => name.endsWith('.js'))
    .map(([name, bytes]) => `${name} ${Math.ceil(bytes / 1024)} KiB`)
  console.log(`built dist/ in ${Math.round(performance.now() - startedMs)} ms: ${sizes.join(', ')}`)
}
