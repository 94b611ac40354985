import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packTarball } from '../../scripts/package/tarball.ts'
import type { Peer, Status } from '../../src/control/methods.ts'
import { type FormerPeer, formerPeer, instancePeerFile, peerIdFileOf } from '../store/predecessor-files.ts'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import type { CliResult } from './harness/cli.ts'
import { startFakeModel } from './harness/fake-model.ts'
import { createGateway, type Gateway } from './harness/gateway.ts'
import type { HostConfig } from './harness/host-config.ts'
import { freePorts } from './harness/ports.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { stagePlugin } from './harness/stage.ts'
import { until } from './mesh-gateway.ts'

const PREDECESSOR = fileURLToPath(new URL('../fixtures/predecessor-package', import.meta.url))
const ID = 'libp2p-mesh'

/** What the predecessor's wizard wrote beside the settings that are still there, and a setting of its readme (D-22). */
const OLD_SETTINGS = {
  discovery: 'bootstrap',
  listenAddrs: ['/ip4/127.0.0.1/tcp/0'],
  enableUPnP: false,
  deliveryAckTimeoutMs: 9_000
}
const RETIRED_SETTINGS = {
  instanceName: 'ana',
  enableMDNS: false,
  enablePubsub: true,
  inboundTargets: [{ channel: 'feishu', target: 'user:ou_1' }]
}

let sandbox: Sandbox
let owner: Gateway
let reader: Gateway
let friend: BareNode
let self: FormerPeer
let absent: FormerPeer
let tarball: string
let libp2p: string
/** What the doctor said in the state of `reader`: a command takes long, and this one waits for nobody. */
let repaired: Promise<string>

beforeAll(async () => {
  sandbox = await createSandbox('mesh-upgrade')
  const model = await startFakeModel()
  sandbox.defer(async () => await model[Symbol.asyncDispose]())
  ;[tarball, friend, self, absent, owner, reader] = await Promise.all([
    packTarball(await sandbox.folder('package')),
    startBareNode(sandbox, 'friend'),
    formerPeer('ana'),
    formerPeer('ben'),
    createGateway(sandbox, { name: 'owner', modelUrl: model.url }),
    createGateway(sandbox, { name: 'reader', modelUrl: model.url, pluginPaths: [await stagePlugin(sandbox)] })
  ])
  await reader.configure({ plugins: { [ID]: { enabled: true, config: OLD_SETTINGS } } })
  repaired = repair(reader)
  // Awaited by its test; a failure of what comes next must not leave it unheard.
  repaired.catch(() => {})
  const scoped = await packageAs('@openclaw/libp2p-mesh', '2026.5.16')
  await install(await packTarball(await sandbox.folder('scoped'), scoped))
  libp2p = join(owner.stateDir, 'libp2p')
  await mkdir(libp2p, { mode: 0o755 })
  const routes = [
    { peerId: friend.peerId, instanceName: 'old-friend', multiaddrs: friend.addresses, lastSeenAt: 1_782_630_000_000 },
    {
      peerId: absent.peerId,
      instanceName: 'ben-vm',
      multiaddrs: ['/ip4/127.0.0.1/tcp/1'],
      lastSeenAt: 1_782_620_000_000
    }
  ]
  await writeFile(join(libp2p, 'peer-id.json'), peerIdFileOf(self), { mode: 0o644 })
  await writeFile(join(libp2p, 'instance-peer.json'), instancePeerFile(routes), { mode: 0o644 })
  await owner.configure({
    plugins: { entries: { [ID]: { enabled: true, config: { ...OLD_SETTINGS, ...RETIRED_SETTINGS } } } },
    channels: { [ID]: { enabled: true } }
  })
})

afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
})

/** A copy of the predecessor under one of its names. */
async function packageAs(name: string, version: string): Promise<string> {
  const folder = join(await sandbox.folder('predecessors'), name.replace('/', '-'))
  await cp(PREDECESSOR, folder, { recursive: true })
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, name, version }))
  return folder
}

async function run(gateway: Gateway, ...args: string[]): Promise<CliResult> {
  const result = await gateway.cli(args)
  expect({ args, ...result }).toMatchObject({ code: 0 })
  return result
}

async function install(file: string): Promise<CliResult> {
  return await run(owner, 'plugins', 'install', `npm-pack:${file}`, '--force', '--accept-capabilities')
}

/** What the doctor says, without the frames and line ends that it puts around the sentences. */
async function repair(gateway: Gateway): Promise<string> {
  const { stdout } = await run(gateway, 'doctor', '--fix', '--non-interactive')
  return stdout.replaceAll(/[│◇─╮╯├└┌]/g, ' ').replaceAll(/\s+/g, ' ')
}

interface Written {
  plugins: { entries: Record<string, HostConfig> } & Record<string, unknown>
  channels: Record<string, unknown>
}

async function configOf(gateway: Gateway): Promise<Written> {
  return JSON.parse(await readFile(gateway.configPath, 'utf8')) as Written
}

async function status(): Promise<Status> {
  return (await owner.rpc('libp2p-mesh.status', {})) as Status
}

async function peers(): Promise<Peer[]> {
  return (await owner.rpc('libp2p-mesh.peers', {})) as Peer[]
}

describe('an owner who comes from a predecessor', () => {
  it('D-22 D-23: installs, lets `openclaw doctor --fix` move the settings that the wizard wrote, and is told about the rest', async () => {
    await install(tarball)
    const said = await repair(owner)
    for (const sentence of [
      'Moved plugins.entries.libp2p-mesh.config.instanceName to channels.libp2p-mesh.name.',
      'Moved discovery, listenAddrs, enableUPnP, deliveryAckTimeoutMs from plugins.entries.libp2p-mesh.config to channels.libp2p-mesh.',
      'Moved plugins.entries.libp2p-mesh.config.inboundTargets[0] to channels.libp2p-mesh.inboundChannel and inboundTarget: "feishu", "user:ou_1".',
      'Removed plugins.entries.libp2p-mesh.config.enableMDNS false: mDNS belongs to discovery "mdns"; set discovery to "bootstrap" to do without it.',
      'Removed plugins.entries.libp2p-mesh.config.enablePubsub true: broadcasts are always on and go to admitted peers only, so there is nothing to set.'
    ])
      expect(said).toContain(sentence)
    const { plugins, channels } = await configOf(owner)
    expect(plugins.entries[ID]).toEqual({ enabled: true })
    expect(channels[ID]).toEqual({
      enabled: true,
      ...OLD_SETTINGS,
      name: 'ana',
      inboundChannel: 'feishu',
      inboundTarget: 'user:ou_1'
    })
  })

  it('D-25: starts with the peer id of before; the old routes are hints, and nobody is admitted for standing there', async () => {
    // No channel of the test is called feishu.
    await owner.configure({ channels: { [ID]: { inboundChannel: undefined, inboundTarget: undefined } } })
    await owner.start()
    await owner.waitForLog(new RegExp(`Node started\\. Peer ID: ${self.peerId}`))
    // No issue: the installation has put itself in the place of the predecessor that was installed.
    expect(await status()).toMatchObject({
      peerId: self.peerId,
      instanceId: expect.stringMatching(/^ana@/),
      issues: []
    })
    const known = await peers()
    expect(known).toHaveLength(2)
    expect(known).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ peerId: friend.peerId, name: 'old-friend', trust: 'unknown', path: null }),
        expect.objectContaining({ peerId: absent.peerId, name: 'ben-vm', trust: 'unknown', path: null })
      ])
    )
    expect(await readFile(join(libp2p, 'peer-id.json'), 'utf8')).toBe(peerIdFileOf(self))
  })

  it('is told by `openclaw channels status --probe` and by the report of `openclaw p2p status` of both predecessors beside the plugin, until they are gone', async () => {
    const copies = await Promise.all(
      Object.entries({ 'libp2p-mesh': '2026.6.28', '@openclaw/libp2p-mesh': '2026.5.16' }).map(
        async ([name, version]) => {
          const folder = join(owner.stateDir, 'npm/node_modules', name)
          await cp(await packageAs(name, version), folder, { recursive: true })
          return { folder, words: `${name} ${version}, lies in ${folder}, ` }
        }
      )
    )
    const { stdout } = await run(owner, 'channels', 'status', '--probe')
    for (const { words } of copies) expect(stdout).toContain(words)
    const { issues } = await status()
    expect(issues).toEqual(copies.map(({ words }) => expect.stringContaining(words)))
    for (const { folder } of copies) await rm(folder, { recursive: true })
    expect(await status()).toMatchObject({ peerId: self.peerId, issues: [] })
  })

  it('D-24 S1.61 S1.62 S1.63: reaches an approved friend where it was, and what the friend says of itself is kept under OPENCLAW_STATE_DIR, for the owner alone', async () => {
    await friend.cli('approve', self.peerId)
    await owner.rpc('libp2p-mesh.approve', { who: friend.peerId })
    await owner.waitForLog(new RegExp(`Instance mapping updated: friend@\\S+ -> ${friend.peerId}`))
    const file = join(libp2p, 'instance-peer.json')
    const fingerprint = friend.instanceId.slice(friend.instanceId.indexOf('@') + 1)
    // What the predecessor knew of the friend may be written first.
    const instances = await until('the record of the friend in the route file', async () => {
      const text = await readFile(file, 'utf8').catch(() => undefined)
      if (text === undefined) return undefined
      const { instances: written } = JSON.parse(text) as { instances: Record<string, { seq: number }> }
      return written[fingerprint]?.seq === 0 ? undefined : written
    })
    expect(instances).toEqual({
      [fingerprint]: expect.objectContaining({
        peer: friend.peerId,
        label: 'friend',
        addresses: friend.addresses,
        seq: expect.toSatisfy((seq: number) => seq > 0)
      })
    })
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600')
    expect((await peers()).find(({ peerId }) => peerId === friend.peerId)).toMatchObject({
      name: 'friend',
      trust: 'paired'
    })
  })

  it('S1.18 S3.17: settings under plugins.entries count, and those of the channel before them, key by key', async () => {
    const [port] = await freePorts(1)
    await owner.configure({
      plugins: {
        entries: { [ID]: { config: { name: 'from-the-entry', listenAddrs: [`/ip4/127.0.0.1/tcp/${port}`] } } }
      },
      channels: { [ID]: { listenAddrs: undefined } }
    })
    const now = await until('the new address', async () => {
      const report = await status().catch(() => undefined)
      return report?.addresses.some(address => address.includes(`/tcp/${port}/`)) ? report : undefined
    })
    expect(now.instanceId).toMatch(/^ana@/)
  })
})

describe('the block of the first readme', () => {
  it('S1.18 D-22: is moved to the channel by `openclaw doctor --fix`, and the plugin stays switched on', async () => {
    expect(await repaired).toContain(
      'Moved discovery, listenAddrs, enableUPnP, deliveryAckTimeoutMs from plugins.libp2p-mesh.config to channels.libp2p-mesh.'
    )
    const { plugins, channels } = await configOf(reader)
    expect(plugins).not.toHaveProperty(ID)
    expect(plugins.entries[ID]).toMatchObject({ enabled: true })
    expect(channels[ID]).toEqual(OLD_SETTINGS)
  })
})
