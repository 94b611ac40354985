import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Metafile } from 'esbuild'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundleProblems, importedBySources } from '../../scripts/package/bundle.ts'
import { contentProblems, manifestProblems, sizeProblems, staleProblems } from '../../scripts/package/contents.ts'
import { bytesOf, contentsOf, type Files, packTarball, unpackTarball } from '../../scripts/package/tarball.ts'
import { stageManifests } from '../../scripts/stage.ts'

const BESIDE_DIST = ['CHANGELOG.md', 'LICENSE', 'README.md', 'openclaw.plugin.json', 'package.json']

function files(...paths: string[]): Files {
  return new Map(paths.map(path => [path, { bytes: 1, hash: path }]))
}

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'libp2p-mesh-package-test-'))
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true })
  await writeFile(join(root, name), text)
}

describe('what is in the package', () => {
  it('is what is listed, to the last file', () => {
    expect(contentProblems(files(...BESIDE_DIST, 'dist/index.js'), { plugin: {} })).toEqual([])
    const found = contentProblems(files('LICENSE', 'README.md', 'openclaw.plugin.json', 'package.json', '.env'), {
      plugin: {}
    })
    expect(found).toEqual(['CHANGELOG.md is missing', '.env does not belong in the package'])
  })

  it('has the doctor contract that the manifest announces', () => {
    const doctorContract = { configRepair: true }
    const contract = 'dist/doctor-contract-api.js'
    expect(contentProblems(files(...BESIDE_DIST, contract), { plugin: { doctorContract } })).toEqual([])
    expect(contentProblems(files(...BESIDE_DIST), { plugin: { doctorContract } })).toEqual([`${contract} is missing`])
  })

  it('is no native add-on', () => {
    expect(contentProblems(files(...BESIDE_DIST, 'dist/sodium.node'), { plugin: {} })).toEqual([
      'dist/sodium.node is a native add-on'
    ])
  })

  it('is at most 15 MB', () => {
    expect(sizeProblems(new Map([['a', { bytes: 15_000_000, hash: '' }]]))).toEqual([])
    expect(sizeProblems(new Map([['a', { bytes: 15_000_001, hash: '' }]]))).toHaveLength(1)
  })
})

describe('dist/ in the package', () => {
  it('is the build of these sources, byte for byte (S1.16)', () => {
    const built = files('index.js', 'engine.js')
    expect(staleProblems(built, built)).toEqual([])
    const changed = new Map(built).set('engine.js', { bytes: 1, hash: 'other' })
    expect(staleProblems(changed, built)).toEqual([expect.stringContaining('dist/engine.js is not what these sources')])
    expect(staleProblems(files('index.js', 'engine.js', 'old.js'), built)).toEqual([
      expect.stringContaining('dist/old.js is in the package')
    ])
    expect(staleProblems(files('index.js'), built)).toEqual(['dist/engine.js is not in the package'])
  })
})

describe('package.json of the package', () => {
  it('may have scripts for this checkout only', () => {
    expect(manifestProblems({ package: { scripts: { prepare: 'x', build: 'x' } } })).toEqual([])
    for (const name of ['preinstall', 'install', 'postinstall']) {
      expect(manifestProblems({ package: { scripts: { [name]: 'x' } } })).toEqual([
        expect.stringContaining(`"${name}"`)
      ])
    }
    expect(manifestProblems({ package: { gypfile: true } })).toHaveLength(1)
  })

  it.each(['dependencies', 'optionalDependencies', 'bundleDependencies'])('has no %s', name => {
    expect(manifestProblems({ package: { [name]: {} } })).toEqual([])
    expect(manifestProblems({ package: { [name]: { left: '1.0.0' } } })).toEqual([expect.stringContaining(`"${name}"`)])
  })
})

describe('what is bundled (S-34)', () => {
  function metafile(folders: string[], external: string[] = []): Metafile {
    const inputs = Object.fromEntries(folders.map(folder => [`${folder}/index.js`, { bytesInOutput: 1 }]))
    const imports = external.map(path => ({ path, kind: 'import-statement' as const, external: true }))
    return { inputs: {}, outputs: { 'dist/index.js': { bytes: 1, inputs, imports, exports: [] } } }
  }

  async function bundled(folder: string, manifest = {}): Promise<string> {
    await write(`${folder}/package.json`, JSON.stringify({ name: folder, ...manifest }))
    return folder
  }

  it('may be plain packages, modules of Node and of the host', async () => {
    const plain = await bundled('node_modules/plain', { scripts: { prepare: 'x', test: 'x' } })
    const found = await bundleProblems(root, metafile([plain], ['node:fs', 'net', 'openclaw/plugin-sdk/core']), [
      'plain'
    ])
    expect(found).toEqual([])
  })

  it('has no install script and no native add-on', async () => {
    const scripted = await bundled('node_modules/scripted', { scripts: { postinstall: 'x' } })
    const gyp = await bundled('node_modules/@scope/gyp')
    await write(`${gyp}/binding.gyp`, '{}')
    const addon = await bundled('node_modules/addon')
    await write(`${addon}/build/Release/addon.node`, '')
    expect(await bundleProblems(root, metafile([scripted, gyp, addon]), [])).toEqual([
      'node_modules/scripted has a script "postinstall"',
      'node_modules/@scope/gyp is, or has, a native add-on',
      'node_modules/addon is, or has, a native add-on'
    ])
  })

  it('has one copy of what must know itself', async () => {
    const folders = ['node_modules/@libp2p/interface', 'node_modules/old/node_modules/@libp2p/interface']
    for (const folder of folders) await bundled(folder)
    expect(await bundleProblems(root, metafile(folders), [])).toEqual([
      `2 copies of @libp2p/interface: ${folders.join(', ')}`
    ])
  })

  it('leaves nothing out that a user would have to install', async () => {
    expect(await bundleProblems(root, metafile([], ['bufferutil']), [])).toEqual([
      '"bufferutil" is neither bundled nor a module of Node or of the host'
    ])
  })

  it('comes from at most 25 direct dependencies', async () => {
    const names = Array.from({ length: 26 }, (_, index) => `p${index}`)
    const folders = await Promise.all(names.map(name => bundled(`node_modules/${name}`)))
    expect(await bundleProblems(root, metafile(folders), names)).toEqual(['26 direct dependencies, more than 25'])
    expect(await bundleProblems(root, metafile(folders), names.slice(1))).toEqual([])
  })

  it('counts as direct what the sources import, and not what others bring along', () => {
    const imports = (path: string) => ({ bytes: 1, imports: [{ path, kind: 'import-statement' as const }] })
    const inputs = {
      'src/a.ts': imports('node_modules/ours/index.js'),
      'node_modules/ours/index.js': imports('node_modules/theirs/index.js'),
      'node_modules/theirs/index.js': { bytes: 1, imports: [] }
    }
    expect(importedBySources({ inputs, outputs: {} }, ['ours', 'theirs', 'our'])).toEqual(['ours'])
  })
})

describe('the tarball', () => {
  it('gives back what was packed, and runs no script', async () => {
    const scripts = { prepare: 'exit 1', prepack: 'exit 1' }
    await write('source/package.json', JSON.stringify({ name: 'packed', version: '1.0.0', files: ['dist/'], scripts }))
    await write('source/dist/a.js', 'abc')
    await write('source/left-out.txt', '')
    const folder = await unpackTarball(await packTarball(root, join(root, 'source')), join(root, 'unpacked'))
    const found = await contentsOf(folder)
    expect([...found.keys()]).toEqual(['dist/a.js', 'package.json'])
    // SHA-256 of "abc", as FIPS 180-2 gives it.
    expect(found.get('dist/a.js')?.hash).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(bytesOf(found)).toBe(3 + Buffer.byteLength(await readFile(join(folder, 'package.json'))))
  })
})

describe('a staged folder', () => {
  it('has the manifests, without what is about this checkout', async () => {
    await stageManifests(root)
    expect(await readdir(root)).toEqual(expect.arrayContaining(['openclaw.plugin.json', 'package.json']))
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as object
    expect(manifest).toMatchObject({
      name: 'libp2p-mesh',
      type: 'module',
      openclaw: { extensions: ['./dist/index.js'] }
    })
    for (const key of ['scripts', 'devDependencies', 'allowScripts']) expect(manifest).not.toHaveProperty(key)
  })
})
