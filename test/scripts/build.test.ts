import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { build } from '../../scripts/build.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const SOURCES: Record<string, string> = {
  'src/index.ts': "import { shared } from './shared.ts'\nexport const index: string = shared\n",
  'src/setup-entry.ts': "export const setup: string = 'setup'\n",
  'src/openclaw/doctor.ts': "export const doctor: string = 'doctor'\n",
  'src/engine/index.ts':
    "import { alloc } from 'uint8arrays/alloc'\nimport { shared } from '../shared.ts'\nimport type { Tuning } from './tuning.ts'\n" +
    'export function engine(tuning: Tuning): string {\n  return shared + alloc(tuning.bytes).length\n}\n',
  'src/engine/tuning.ts': 'export interface Tuning {\n  bytes: number\n}\n',
  'src/bin.ts': "#!/usr/bin/env node\nimport { engine } from './engine/index.ts'\nengine({ bytes: 1 })\n",
  'src/shared.ts': "export const shared = 'shared'\n"
}

const UNLICENSED = 'node_modules/unlicensed'

describe('build', () => {
  let root: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'libp2p-mesh-build-'))
    await mkdir(join(root, 'node_modules'))
    for (const name of ['uint8arrays', 'multiformats', 'typescript', '@types', 'libp2p']) {
      await symlink(join(ROOT, 'node_modules', name), join(root, 'node_modules', name))
    }
    for (const name of ['tsconfig.json', 'tsconfig.build.json'])
      await write(name, await readFile(join(ROOT, name), 'utf8'))
    await write('package.json', '{"type":"module"}')
    for (const [name, text] of Object.entries(SOURCES)) await write(name, text)
  })

  afterEach(async () => {
    await rm(root, { recursive: true, force: true })
  })

  async function write(name: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }

  async function contents(outDir: string, names: string[]): Promise<Record<string, string>> {
    const texts = names.map(async name => [name, await readFile(join(outDir, name), 'utf8')] as const)
    return Object.fromEntries(await Promise.all(texts))
  }

  it('makes the same bytes twice', async () => {
    const first = await build({ root, outDir: join(root, 'one') })
    const second = await build({ root, outDir: join(root, 'two') })
    const names = Object.keys(first.files)
    expect(Object.keys(second.files)).toEqual(names)
    expect(await contents(join(root, 'two'), names)).toEqual(await contents(join(root, 'one'), names))
  })

  it('writes entries, the chunks that they share, the types that they name and the notices', async () => {
    const { files } = await build({ root })
    const names = Object.keys(files).map(name => name.replace(/-[A-Z0-9]{8}\.js$/, '-HASH.js'))
    expect([...new Set(names)].sort()).toEqual([
      'THIRD_PARTY_NOTICES.txt',
      'bin.js',
      'chunk-HASH.js',
      'doctor-contract-api.js',
      'engine.d.ts',
      'engine.js',
      'engine/index.d.ts',
      'engine/tuning.d.ts',
      'index.d.ts',
      'index.js',
      'setup-entry.d.ts',
      'setup-entry.js'
    ])
    const built = await contents(join(root, 'dist'), ['engine/index.d.ts', 'THIRD_PARTY_NOTICES.txt', 'bin.js'])
    expect(built['engine/index.d.ts']).toContain("from './tuning.js'")
    expect(built['THIRD_PARTY_NOTICES.txt']).toMatch(
      /^uint8arrays \d+\.\d+\.\d+ \(Apache-2\.0 OR MIT\), under Apache-2\.0/m
    )
    expect(built['bin.js']).toMatch(/^#!\/usr\/bin\/env node\n(?!#!)/)
    expect((await stat(join(root, 'dist/bin.js'))).mode & 0o111).toBe(0o111)
  })

  it('removes what an earlier build left behind', async () => {
    await write('dist/old.js', '')
    await build({ root, types: false })
    await expect(stat(join(root, 'dist/old.js'))).rejects.toThrow('ENOENT')
  })

  it('refuses a plugin entry that leads to the engine, and says by which way', async () => {
    await write('src/shared.ts', "import './engine/index.ts'\nexport const shared = 'shared'\n")
    await expect(build({ root, types: false })).rejects.toThrow(
      'src/index.ts -> src/shared.ts -> src/engine/index.ts: '
    )
  })

  it('refuses a setup entry that loads libp2p', async () => {
    await write('src/setup-entry.ts', "export const setup = await import('libp2p')\n")
    await expect(build({ root, types: false })).rejects.toThrow('setup must start at once')
  })

  it('refuses a repair of old settings that needs a package', async () => {
    await write('src/openclaw/doctor.ts', "export { alloc as doctor } from 'uint8arrays/alloc'\n")
    await expect(build({ root, types: false })).rejects.toThrow('every command that meets an old configuration')
  })

  it.each([
    ['no licence', { version: '1.0.0' }, false],
    ['a licence that we may not bundle', { version: '1.0.0', license: 'GPL-3.0' }, true],
    ['no licence text', { version: '1.0.0', license: 'MIT' }, false]
  ])('refuses a package with %s', async (_, manifest, withText) => {
    await write(`${UNLICENSED}/package.json`, JSON.stringify({ name: 'unlicensed', main: 'index.js', ...manifest }))
    await write(`${UNLICENSED}/index.js`, "export const a = 'a'\n")
    if (withText) await write(`${UNLICENSED}/LICENSE`, 'text')
    await write('src/shared.ts', "export { a as shared } from 'unlicensed'\n")
    await expect(build({ root, types: false })).rejects.toThrow('unlicensed 1.0.0')
  })

  it('fails with the words of the compiler when the types do not check', async () => {
    await write('src/shared.ts', 'export const shared: string = 1\n')
    await expect(build({ root })).rejects.toThrow('src/shared.ts(1,14): error TS2322')
  })

  it('gives a bundled CommonJS module its require', async () => {
    await write(
      'node_modules/commonjs/package.json',
      '{"name":"commonjs","version":"1.0.0","license":"MIT","main":"index.js"}'
    )
    await write('node_modules/commonjs/LICENSE', 'text')
    await write('node_modules/commonjs/index.js', "exports.eol = require('node:os').EOL\n")
    await write('src/shared.ts', "import { eol } from 'commonjs'\nexport const shared = eol\n")
    await build({ root, types: false })
    const { index } = (await import(join(root, 'dist/index.js'))) as { index: string }
    expect(index).toBe('\n')
  })

  it('leaves the port mapper of libp2p out, which cannot be bundled and has a substitute', async () => {
    await write(
      'src/engine/index.ts',
      "import { upnpNat } from '@achingbrain/nat-port-mapper'\nexport function engine() { return upnpNat() }\n"
    )
    const outDir = join(root, 'dist')
    const { metafile } = await build({ root, outDir, types: false })
    expect(Object.keys(metafile.inputs).filter(input => input.includes('node_modules'))).toEqual([])
    const { engine } = await import(join(outDir, 'engine.js'))
    expect(engine).toThrow('not part of the program')
  })
})
