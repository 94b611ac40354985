import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packTarball } from '../../scripts/package/tarball.ts'
import { stage } from '../../scripts/stage.ts'
import { type FakeModel, startFakeModel } from './harness/fake-model.ts'
import { createGateway, type Gateway } from './harness/gateway.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { type MeshGateway, startMeshGateway } from './mesh-gateway.ts'

const CHANNEL = {
  enabled: true,
  discovery: 'bootstrap',
  listenAddrs: ['/ip4/127.0.0.1/tcp/0'],
  enableUPnP: false
}
const TOOLS = ['p2p_send_instance_message', 'p2p_broadcast', 'p2p_peers', 'p2p_message_status']

/**
 * What else the machine does makes a command slower, never quicker: the quickest run of each counts, once a second one was nearly as quick. Where the
 * machine never comes to rest that is waited for no longer than ROUNDS_MAX.
 */
const ROUNDS_MIN = 3
const ROUNDS_MAX = 8
const NEARLY = 1.1
const MAX_RATIO = 1.3
/** 36 commands at most, some of which took 20 s on busy cores. */
const COST_LIMIT_MS = 900_000

let sandbox: Sandbox
let model: FakeModel
let mesh: MeshGateway
let version: string

beforeAll(async () => {
  sandbox = await createSandbox('mesh-package')
  model = await startFakeModel()
  sandbox.defer(async () => await model[Symbol.asyncDispose]())
  const tarball = await packTarball(await sandbox.folder('package'))
  mesh = await startMeshGateway(sandbox, { name: 'gate', tarballs: [tarball] })
  version = (await mesh.mesh<{ version: string }>('status')).version
})

afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
})

async function json<T>(gateway: Gateway, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await gateway.cli([...args, '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as T
}

describe('the package, installed by tarball in a fresh state', () => {
  it('S1.13 S1.16: is loaded from built code alone, with its channel and its tools, and no complaint', async () => {
    const { plugin, diagnostics, install } = await json<{
      plugin: Record<string, unknown>
      diagnostics: unknown[]
      install: unknown
    }>(mesh.gateway, 'plugins', 'inspect', 'libp2p-mesh', '--runtime')
    expect(plugin).toMatchObject({
      status: 'loaded',
      version,
      origin: 'global',
      source: expect.stringMatching(/\/npm\/projects\/.*\/node_modules\/libp2p-mesh\/dist\/index\.js$/),
      channelIds: ['libp2p-mesh'],
      toolNames: TOOLS,
      contracts: { tools: TOOLS },
      dependencyStatus: { hasDependencies: false, missing: [] }
    })
    expect(diagnostics).toEqual([])
    expect(install).toMatchObject({ resolvedName: 'libp2p-mesh', resolvedVersion: version })
  })

  it('S1.13: gives the doctor nothing to say, and its methods answer in the gateway', async () => {
    const { stdout } = await mesh.gateway.cli(['plugins', 'doctor'])
    const said = stdout.split('\n').filter(line => line.startsWith('- '))
    // Of the stand-in for another channel, which lies on a path, it says that it cannot tell where it comes from.
    expect(said, stdout).toEqual([expect.stringMatching(/^- fakechat: .*can't verify/)])
    expect(await mesh.mesh('status')).toMatchObject({ version, issues: [] })
    expect(await mesh.mesh('peers')).toBeDefined()
  })

  it('S1.15: is still there after `plugins registry --refresh`', async () => {
    const { code, stdout } = await mesh.gateway.cli(['plugins', 'registry', '--refresh'])
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Plugin registry refreshed: \d+\/\d+ enabled plugins indexed/)
    })
    const registry = await json<object>(mesh.gateway, 'plugins', 'registry')
    expect(registry).toMatchObject({ state: 'fresh', persisted: { installRecords: { 'libp2p-mesh': { version } } } })
  })
})

describe('a staged folder', () => {
  it('S1.14: is linked, holds no more than the host reads, and runs', async () => {
    const folder = await sandbox.folder('stage')
    await stage(folder)
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object
    expect(manifest).not.toHaveProperty('devDependencies')
    expect(manifest).not.toHaveProperty('scripts')
    const gateway = await createGateway(sandbox, { name: 'linked', modelUrl: model.url })
    const link = ['plugins', 'install', '--link', folder, '--force', '--accept-capabilities']
    const { code, stdout, stderr } = await gateway.cli(link)
    expect({ code, output: `${stdout}${stderr}` }).toMatchObject({
      code: 0,
      output: expect.stringContaining(`Linked plugin path: ${folder}`)
    })
    await gateway.configure({ channels: { 'libp2p-mesh': CHANNEL } })
    await gateway.start()
    await gateway.waitForLog(/Node started\. Peer ID: /)
    expect(await gateway.rpc('libp2p-mesh.status', {})).toMatchObject({ version })
    await gateway.sigterm()
  })
})

describe('the time that a command takes', () => {
  /**
   * Two comparisons, for two readings of "without the plugin". The host checks its state before every command that a plugin brings, which
   * takes most of the time: so the like of `openclaw p2p status` is the command of a plugin that comes with the host and asks the gateway
   * too. And a command of the host's own must not become slower because the plugin is there.
   */
  it(
    'is at most 1.3 times that of one without the plugin',
    async () => {
      const plain = await createGateway(sandbox, { name: 'plain', modelUrl: model.url })
      await plain.start()
      const commands = {
        ours: { gateway: mesh.gateway, args: ['p2p', 'status'] },
        theirs: { gateway: plain, args: ['browser', 'status'] },
        channels: { gateway: mesh.gateway, args: ['channels', 'status'] },
        channelsWithout: { gateway: plain, args: ['channels', 'status'] }
      }
      const times: Record<string, number[]> = {}
      // The first run fills Node's compile cache and does not count. Then in turn, so that other work on the machine meets all of them.
      const settled = (): boolean =>
        Object.values(times).every(values => {
          const [first = 0, second = Number.POSITIVE_INFINITY] = values.toSorted((a, b) => a - b)
          return second <= first * NEARLY
        })
      for (let round = 0; round <= ROUNDS_MIN || (round <= ROUNDS_MAX && !settled()); round++) {
        for (const [name, { gateway, args }] of Object.entries(commands)) {
          const { code, ms, stderr } = await gateway.cli([...args, '--json'])
          expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
          if (round > 0) times[name] = [...(times[name] ?? []), Math.round(ms)]
        }
      }
      const {
        ours = Number.NaN,
        theirs = Number.NaN,
        channels = Number.NaN,
        channelsWithout = Number.NaN
      } = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, Math.min(...values)]))
      const words = [
        `p2p status ${ours} ms, browser status ${theirs} ms: ${(ours / theirs).toFixed(2)}`,
        `channels status ${channels} ms with the plugin, ${channelsWithout} ms without: ${(channels / channelsWithout).toFixed(2)}`
      ]
      console.log(words.join('\n'))
      expect(ours / theirs, JSON.stringify(times)).toBeLessThanOrEqual(MAX_RATIO)
      expect(channels / channelsWithout, JSON.stringify(times)).toBeLessThanOrEqual(MAX_RATIO)
    },
    COST_LIMIT_MS
  )
})
