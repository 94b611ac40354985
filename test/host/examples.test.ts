import { once } from 'node:events'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { configBlocks, readmeBlock } from '../config-blocks.ts'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import type { CliResult } from './harness/cli.ts'
import { createGateway } from './harness/gateway.ts'
import type { HostConfig } from './harness/host-config.ts'
import { freePorts } from './harness/ports.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { stagePlugin } from './harness/stage.ts'
import { type MeshGateway, pair, startMeshGateway, until } from './mesh-gateway.ts'

/** The examples of the readme. One gateway takes them over one after the other; a second one, which never runs, has them checked as they stand. */
let sandbox: Sandbox
let host: MeshGateway
let paper: Promise<Paper>

interface Status {
  peerId: string
  instanceId: string
  addresses: string[]
  inbox: { open: number; unknown: number }
  pendingSettings: string[]
  relays: { state: string }[]
  issues: string[]
}

/** What commands say that need no gateway. */
interface Paper {
  /** `config validate`, by heading. */
  validated: Map<string, CliResult>
  /** The settings that `config set` of the walk-through leaves. */
  set: unknown
  install: CliResult
  byHand: { refresh: CliResult; list: CliResult }
}

/** Settings that keep a test on loopback. */
const AT_HOME = { name: 'gate', discovery: 'bootstrap', listenAddrs: ['/ip4/127.0.0.1/tcp/0'], enableUPnP: false }

/** The keys of ours in the configuration of the gateway, to be taken out by the next example. */
let inForce = Object.keys({ enabled: true, ...AT_HOME })

beforeAll(async () => {
  sandbox = await createSandbox('mesh-examples')
  paper = onPaper()
  // It is waited for at the end of the file.
  paper.catch(() => undefined)
  host = await startMeshGateway(sandbox, { name: 'gate' })
})

afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
})

async function onPaper(): Promise<Paper> {
  const gateway = await createGateway(sandbox, {
    name: 'paper',
    modelUrl: 'http://127.0.0.1:9/v1',
    pluginPaths: [await stagePlugin(sandbox)]
  })
  const { code, stderr } = await gateway.cli(['config', 'set', 'channels.libp2p-mesh.enabled', 'true'])
  if (code !== 0) throw new Error(`config set ended with ${code}:\n${stderr}`)
  const { channels } = JSON.parse(await readFile(gateway.configPath, 'utf8')) as { channels: HostConfig }
  const validated = new Map<string, CliResult>()
  for (const { heading, config } of configBlocks('README.md')) {
    await gateway.configure({ channels: undefined })
    await gateway.configure(config)
    validated.set(heading, await gateway.cli(['config', 'validate']))
  }
  return {
    validated,
    set: channels['libp2p-mesh'],
    install: await gateway.cli(['install', 'libp2p-mesh']),
    byHand: await byHand()
  }
}

/** The plugin where `npm install libp2p-mesh` in `~/.openclaw/npm` puts it. */
async function byHand(): Promise<Paper['byHand']> {
  const gateway = await createGateway(sandbox, { name: 'by-hand', modelUrl: 'http://127.0.0.1:9/v1' })
  const root = await sandbox.folder('by-hand', 'state', 'npm')
  await writeFile(join(root, 'package.json'), JSON.stringify({ dependencies: { 'libp2p-mesh': '*' } }))
  await cp(await stagePlugin(sandbox), join(root, 'node_modules', 'libp2p-mesh'), { recursive: true })
  const refresh = await gateway.cli(['plugins', 'registry', '--refresh'])
  return { refresh, list: await gateway.cli(['plugins', 'list', '--json']) }
}

/** The settings of an example, with addresses of this machine in place of those of the reader. */
function example(heading: string, addresses: HostConfig): HostConfig {
  const [settings] = readmeBlock(heading).settings
  return { ...settings?.block, ...AT_HOME, ...addresses }
}

/** Puts these settings in place of those that were there; resolves when the mesh runs with them. */
async function takeOver(settings: HostConfig, more: HostConfig = {}): Promise<Status> {
  const from = host.gateway.log().length
  const gone = Object.fromEntries(inForce.map(key => [key, undefined]))
  inForce = Object.keys(settings)
  await host.gateway.configure({ ...more, channels: { 'libp2p-mesh': { ...gone, ...settings } } })
  await host.gateway.waitForLog(/Node started\. Peer ID: /, { from })
  return await host.mesh<Status>('status')
}

/** What `channels status` warns of. */
async function warnings(): Promise<string[]> {
  const { statusIssues } = (await host.gateway.rpc('channels.status', { probe: true })) as {
    statusIssues: { message: string }[]
  }
  return statusIssues.map(({ message }) => message)
}

/** Waits until the first relay holds a slot. */
async function reservedBy(relays: () => Promise<Status['relays']>): Promise<void> {
  await vi.waitFor(async () => expect((await relays())[0]).toMatchObject({ state: 'reserved' }), {
    timeout: 60_000,
    interval: 500
  })
}

/** A node that has never heard of the gateway. */
async function stranger(name: string, settings: Record<string, unknown> = {}): Promise<BareNode> {
  return await startBareNode(sandbox, name, settings)
}

/** One message each way, as far as the other side's channel or agent. */
async function bothWays(node: BareNode): Promise<void> {
  const sent = await host.mesh('send', { target: node.peerId, text: 'from the gateway', waitFor: 'delivered' })
  expect(sent).toMatchObject({ level: 'delivered' })
  await node.waitFor(({ event, text }) => event === 'message' && text === 'from the gateway')
  const { peerId } = await host.mesh<Status>('status')
  host.model.reply(() => ({ text: 'Heard.' }))
  const back = await node.cli('send', peerId, 'to the gateway', '--wait', 'answered', '--timeout', '60000', '--json')
  expect(JSON.parse(back.stdout)).toMatchObject({ level: 'answered', reply: 'Heard.' })
}

describe('the examples of the readme, in a running gateway', () => {
  it('S1.21: a fixed port is listened on and stands in status', async () => {
    const [port] = (await freePorts(1)) as [number]
    const { peerId, addresses } = await takeOver(
      example('A fixed port', { listenAddrs: [`/ip4/127.0.0.1/tcp/${port}`] })
    )
    expect(addresses).toEqual([`/ip4/127.0.0.1/tcp/${port}/p2p/${peerId}`])
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
  })

  it('S1.22: a peer on another network is found by its address, and messages go both ways', async () => {
    const far = await stranger('far')
    await takeOver(example('Computers on different networks', { bootstrapList: [far.addresses[0]] }))
    await pair(host, far)
    await bothWays(far)
  })

  it('S1.26: so is one on the same network where mDNS does not work', async () => {
    const [port] = (await freePorts(1)) as [number]
    const near = await stranger('near', { listenAddrs: [`/ip4/127.0.0.1/tcp/${port}`] })
    const heading = 'One network on which mDNS does not work'
    await takeOver(example(heading, { bootstrapList: [`/ip4/127.0.0.1/tcp/${port}/p2p/${near.peerId}`] }))
    await pair(host, near)
    await bothWays(near)
  })

  it('S1.23, S1.40: with a relay in both lists, a guest that knows nothing but the relay reaches the gateway through it', async () => {
    const relay = await stranger('relay', { enableCircuitRelayServer: true })
    const list = [relay.addresses[0]]
    const { peerId, pendingSettings } = await takeOver(
      example('Behind a router, with a relay', { bootstrapList: list, relayList: list })
    )
    expect(pendingSettings).toEqual([])
    await pair(host, relay)
    await bothWays(relay)
    await reservedBy(async () => (await host.mesh<Status>('status')).relays)
    const guest = await stranger('guest', { listenAddrs: [], bootstrapList: [`${list[0]}/p2p-circuit/p2p/${peerId}`] })
    await pair(host, guest)
    await bothWays(guest)
    const peers = await host.mesh<{ peerId: string; path: string }[]>('peers')
    expect(peers.find(peer => peer.peerId === guest.peerId)).toMatchObject({ path: 'relayed' })
  })

  it('S1.24, S1.38: an instance on a public server says its address, is reached, and relays for whom its owner let in', async () => {
    const [port, outside] = (await freePorts(2)) as [number, number]
    const { peerId, addresses, pendingSettings } = await takeOver(
      example('A relay of your own, on a public server', {
        listenAddrs: [`/ip4/127.0.0.1/tcp/${port}`],
        announceAddrs: [`/ip4/127.0.0.1/tcp/${outside}`]
      })
    )
    expect(addresses.toSorted()).toEqual(
      [port, outside].map(number => `/ip4/127.0.0.1/tcp/${number}/p2p/${peerId}`).toSorted()
    )
    expect(pendingSettings).toEqual([])
    const list = [`/ip4/127.0.0.1/tcp/${port}/p2p/${peerId}`]
    const guest = await stranger('hidden', { listenAddrs: [], bootstrapList: list, relayList: list })
    await pair(host, guest)
    await bothWays(guest)
    await reservedBy(async () => JSON.parse((await guest.cli('status', '--json')).stdout).relays)
  })

  it('S1.25: messages wait for a channel that is missing, which status says, and are shown and confirmed once it is there', async () => {
    const { pid } = host.gateway
    const writer = await stranger('writer')
    const reach = { bootstrapList: [writer.addresses[0]] }
    const feishu = example('Messages shown in Feishu', reach)
    const { peerId } = await takeOver(feishu)
    await pair(host, writer)
    const missing = (channel: string): unknown =>
      expect.stringMatching(`^inboundChannel is "${channel}", a channel that this gateway does not have: .*\\.$`)

    // Feishu is not installed here; Telegram comes with OpenClaw and is not set up.
    for (const channel of ['feishu', 'telegram']) {
      if (channel !== feishu.inboundChannel) await takeOver({ ...feishu, inboundChannel: channel })
      await writer.cli('send', peerId, `for ${channel}`, '--wait', 'received')
      await host.gateway.waitForLog(/A message was not dispatched\..*outcome=retry/)
      const { issues, inbox } = await host.mesh<Status>('status')
      expect(issues).toEqual([missing(channel)])
      expect(inbox.unknown).toBe(0)
      expect(await warnings()).toContainEqual(missing(channel))
    }
    const unconfirmed = await writer.cli('send', peerId, 'too early', '--wait', 'delivered', '--timeout', '500')
    expect(unconfirmed.code).toBe(3)
    expect(unconfirmed.stderr).toMatch(/has not confirmed "delivered" yet/)

    const { issues } = await takeOver({ ...feishu, inboundChannel: 'fakechat' })
    expect(issues).toEqual([])
    const { stdout, code } = await writer.cli('send', peerId, 'in time', '--wait', 'delivered', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ level: 'delivered' })
    const shown = await until('the display of all four', async () => {
      const rows = (await host.journal()).filter(({ event }) => event === 'sent')
      return rows.length >= 4 ? rows : undefined
    })
    expect(shown.map(({ text }) => text.split('\n')[1]).toSorted()).toEqual(
      ['for feishu', 'for telegram', 'too early', 'in time'].toSorted()
    )
    expect(new Set(shown.map(({ to }) => to))).toEqual(new Set([feishu.inboundTarget]))
    expect(host.gateway.pid).toBe(pid)
  })
})

describe('settings in two places', () => {
  it('S1.18: those of the plugin entry count, and below those of the channel key by key', async () => {
    const [port] = (await freePorts(1)) as [number]
    const config = { ...AT_HOME, name: 'entry', listenAddrs: [`/ip4/127.0.0.1/tcp/${port}`] }
    const entries = { plugins: { entries: { 'libp2p-mesh': { config } } } }
    const { instanceId, addresses } = await takeOver({ enabled: true, name: 'block' }, entries)
    expect(instanceId).toMatch(/^block@/)
    expect(addresses).toEqual([expect.stringContaining(`/tcp/${port}/`)])
    await host.gateway.configure({ channels: { 'libp2p-mesh': { name: undefined } } })
    await until('the name of the entry', async () =>
      (await host.mesh<Status>('status')).instanceId.startsWith('entry@') ? true : undefined
    )
  })
})

describe('commands while no gateway runs', () => {
  it('S1.72: sending says how to start it, and ends with 1', async () => {
    await host.gateway.sigterm()
    const { code, stdout, stderr } = await host.gateway.cli([
      'message',
      'send',
      '--channel',
      'libp2p-mesh',
      '--target',
      'far',
      '--message',
      'x'
    ])
    expect([code, stdout.trim()]).toEqual([1, ''])
    expect(stderr).toMatch(/^Gateway not reachable at ws:.*\nStart it with `openclaw gateway run`/m)
  })

  it('S1.19, S1.20: the command of the walk-through leaves the smallest configuration', async () => {
    expect((await paper).set).toEqual({ enabled: true })
  })

  it.each(configBlocks('README.md').map(({ heading }) => heading))(
    'S1.20-S1.26: config validate accepts the block as it stands: %s',
    async heading => {
      const result = (await paper).validated.get(heading)
      expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Config valid/) })
    }
  )

  it('S1.13: the old command for the installation does not exist any more', async () => {
    const { code, stdout, stderr } = (await paper).install
    expect([code, stdout.trim(), stderr]).toEqual([1, '', expect.stringMatching(/^(?!.*libp2p).*"install"/s)])
  })

  it('S1.14, S1.15: a plugin that npm put into its folder is there after the registry was refreshed', async () => {
    const { refresh, list } = (await paper).byHand
    expect(refresh).toMatchObject({ code: 0, stdout: expect.stringContaining('Plugin registry refreshed: ') })
    const { plugins } = JSON.parse(list.stdout) as { plugins: { id: string }[] }
    expect(plugins.find(({ id }) => id === 'libp2p-mesh')).toMatchObject({ enabled: true, status: 'loaded' })
  })
})
