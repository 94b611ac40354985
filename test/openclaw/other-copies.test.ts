import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { meshChannel } from '../../src/openclaw/channel.ts'
import { otherCopyIssues } from '../../src/openclaw/other-copies.ts'

let stateDir: string

beforeEach(async () => {
  stateDir = await realpath(await mkdtemp(join(tmpdir(), 'libp2p-mesh-copies-')))
})

afterEach(async () => {
  await rm(stateDir, { recursive: true, force: true })
})

async function put(folder: string, content: unknown): Promise<string> {
  const path = join(stateDir, folder)
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'package.json'), typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

describe('a copy of the predecessor', () => {
  it.each([
    ['extensions/libp2p-mesh', 'libp2p-mesh', '2026.6.28'],
    ['extensions/node_modules/@openclaw/libp2p-mesh', '@openclaw/libp2p-mesh', '2026.5.8'],
    ['npm/node_modules/libp2p-mesh', 'libp2p-mesh', '2026.6.3'],
    ['npm/projects/libp2p-mesh/node_modules/libp2p-mesh', 'libp2p-mesh', '2026.6.12'],
    [
      'npm/projects/openclaw-libp2p-mesh-8b1db46d37/node_modules/@openclaw/libp2p-mesh',
      '@openclaw/libp2p-mesh',
      '2026.5.16'
    ],
    ['npm/node_modules/@openclaw/libp2p-mesh', '@openclaw/libp2p-mesh', '2027.1.1']
  ])('in %s is said with its name, its place and the command that removes it', async (folder, name, version) => {
    const path = await put(folder, { name, version })
    await expect(otherCopyIssues({ stateDir, config: {} })).resolves.toEqual([
      `The predecessor of this plugin, ${name} ${version}, lies in ${path}, and OpenClaw runs only one plugin of the id libp2p-mesh; remove it: rm -r '${path}'`
    ])
  })

  it('in the workspace or among the paths to load is found, too', async () => {
    const workspace = join(stateDir, "bob's workspace")
    const old = await put("bob's workspace/.openclaw/extensions/libp2p-mesh", {
      name: 'libp2p-mesh',
      version: '2026.6.28'
    })
    const linked = await put('linked', { name: 'libp2p-mesh', version: '2026.6.28' })
    const paths = ['/somewhere/else', linked]
    const config = { agents: { defaults: { workspace } }, plugins: { load: { paths } } }
    await expect(otherCopyIssues({ stateDir, config })).resolves.toEqual([
      expect.stringContaining(`rm -r '${old.replace("'", "'\\''")}'`),
      expect.stringContaining(`lies in ${linked}, `)
    ])
    expect((await otherCopyIssues({ stateDir, config }))[1]).toMatch(
      /remove it: openclaw config set plugins\.load\.paths '\["\/somewhere\/else"\]'$/
    )
  })

  it('is what openclaw doctor warns of', async () => {
    await put('extensions/libp2p-mesh', { name: 'libp2p-mesh', version: '2026.6.28' })
    const warnings = await meshChannel.doctor?.collectPreviewWarnings?.({
      cfg: {},
      doctorFixCommand: 'openclaw doctor --fix',
      env: { OPENCLAW_STATE_DIR: stateDir }
    })
    expect(warnings).toEqual([expect.stringContaining('libp2p-mesh 2026.6.28, lies in ')])
  })
})

describe('no copy of the predecessor', () => {
  it.each([
    ['another release of this package', { name: 'libp2p-mesh', version: '2026.11.1' }],
    ['a later one', { name: 'libp2p-mesh', version: '2027.1.0' }],
    ['another package', { name: 'fakechat', version: '2026.6.28' }],
    ['a package without a version', { name: '@openclaw/libp2p-mesh' }],
    ['a list', []],
    ['no JSON', '{'],
    ['nothing', 'null']
  ])('is %s', async (_, content) => {
    await put('extensions/libp2p-mesh', content)
    await expect(otherCopyIssues({ stateDir, config: {} })).resolves.toEqual([])
  })

  it.each([
    ['libp2p-mesh', 'npm/projects/libp2p-mesh', 'libp2p-mesh'],
    ['@openclaw/libp2p-mesh', 'npm/projects/openclaw-libp2p-mesh-8b1db46d37', 'openclaw-libp2p-mesh-8b1db46d37'],
    ['@openclaw/libp2p-mesh', 'npm', 'openclaw-libp2p-mesh-8b1db46d37']
  ])('is %s in %s that the host has marked as replaced, which it removes itself', async (name, root, mark) => {
    await put(`${root}/node_modules/${name}`, { name, version: '2026.6.1' })
    expect(await otherCopyIssues({ stateDir, config: {} })).toHaveLength(1)
    const marks = join(stateDir, root, '.openclaw-retained-npm-installs')
    await mkdir(marks)
    await writeFile(join(marks, `${mark}.json`), JSON.stringify({ version: 1, pluginId: 'libp2p-mesh' }))
    expect(await otherCopyIssues({ stateDir, config: {} })).toEqual([])
  })

  it('is a place that cannot be read, or is not there', async () => {
    await mkdir(join(stateDir, 'extensions/libp2p-mesh/package.json'), { recursive: true })
    await writeFile(join(stateDir, 'npm'), '')
    const config = { plugins: { load: { paths: ['', '\0', '~', 'relative'] } } }
    await expect(otherCopyIssues({ stateDir, config })).resolves.toEqual([])
    await expect(otherCopyIssues({ stateDir: join(stateDir, 'nowhere'), config: {} })).resolves.toEqual([])
  })
})
