import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'

/** The declarations that a user of the package can reach start here: bundled file -> module that it was made from. */
const ENTRIES: Record<string, string> = {
  'index.d.ts': './index.js',
  'setup-entry.d.ts': './setup-entry.js',
  'engine.d.ts': './engine/index.js'
}

const RELATIVE_IMPORT = /(?:from\s+|import\s*\(?\s*)['"](\.{1,2}\/[^'"]+)['"]/g

/** Types of the entries and of what these name, by path below `dist/`. Throws with the compiler's words when the sources do not check. */
export async function declarations(root: string): Promise<Map<string, string>> {
  const outDir = await mkdtemp(join(tmpdir(), 'libp2p-mesh-types-'))
  try {
    await compile(root, outDir)
    return await reachable(outDir)
  } finally {
    await rm(outDir, { recursive: true, force: true })
  }
}

async function compile(root: string, outDir: string): Promise<void> {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  try {
    await promisify(execFile)(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', outDir], { cwd: root })
  } catch (error) {
    throw new Error(`types:\n${(error as { stdout?: string }).stdout ?? ''}`, { cause: error })
  }
}

async function reachable(outDir: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  const queue: string[] = []
  for (const [file, module] of Object.entries(ENTRIES)) {
    const source = posix.join('.', module.replace(/\.js$/, '.d.ts'))
    queue.push(source)
    if (source !== file) files.set(file, `export * from '${module}'\n`)
  }
  for (const file of queue) {
    if (files.has(file)) continue
    const text = (await readFile(join(outDir, file), 'utf8')).replace(RELATIVE_IMPORT, statement =>
      statement.replace(/\.ts(['"])$/, '.js$1')
    )
    files.set(file, text)
    for (const [, path = ''] of text.matchAll(RELATIVE_IMPORT)) {
      queue.push(posix.join(posix.dirname(file), path.replace(/\.js$/, '.d.ts')))
    }
  }
  return files
}
