import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BareNode } from './harness/bare-node.ts'
import { type FakeModel, startFakeModel } from './harness/fake-model.ts'
import { createGateway, type Gateway } from './harness/gateway.ts'
import type { HostConfig } from './harness/host-config.ts'
import type { Sandbox } from './harness/sandbox.ts'
import { stagePlugin } from './harness/stage.ts'

/** The second channel, on which the owner reads. */
const FAKECHAT = fileURLToPath(new URL('../fixtures/fakechat', import.meta.url))

export interface Journaled {
  event: string
  to: string
  text: string
}

/** A real gateway with the mesh and the second channel. */
export interface MeshGateway {
  gateway: Gateway
  model: FakeModel
  /** What the second channel was given, oldest first. */
  journal(): Promise<Journaled[]>
  /** One control method, straight over the gateway's RPC. */
  mesh<T = Record<string, unknown>>(method: string, params?: unknown): Promise<T>
}

export interface MeshGatewayInit {
  name: string
  /** Laid over the settings of the channel. */
  settings?: HostConfig
  config?: HostConfig
  plugin?: string
  tarballs?: string[]
  env?: NodeJS.ProcessEnv
}

export async function startMeshGateway(sandbox: Sandbox, init: MeshGatewayInit): Promise<MeshGateway> {
  const { name, settings = {}, config = {}, tarballs = [], env } = init
  const model = await startFakeModel()
  sandbox.defer(async () => await model[Symbol.asyncDispose]())
  const journalPath = join(await sandbox.folder(name), 'journal.jsonl')
  const plugins = tarballs.length > 0 ? [] : [init.plugin ?? (await stagePlugin(sandbox))]
  const gateway = await createGateway(sandbox, {
    name,
    modelUrl: model.url,
    tarballs,
    env,
    pluginPaths: [...plugins, FAKECHAT],
    channels: {
      'libp2p-mesh': {
        enabled: true,
        name,
        discovery: 'bootstrap',
        listenAddrs: ['/ip4/127.0.0.1/tcp/0'],
        enableUPnP: false,
        ...settings
      },
      fakechat: { enabled: true, journal: journalPath }
    },
    config
  })
  await gateway.start()
  await gateway.waitForLog(/Node started\. Peer ID: /)
  return {
    gateway,
    model,
    async journal() {
      const text = await readFile(journalPath, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return ''
        throw error
      })
      return text
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line) as Journaled)
    },
    mesh: async (method, params = {}) => (await gateway.rpc(`libp2p-mesh.${method}`, params)) as never
  }
}

/** Both owners admit the other, and the node is told where the gateway listens; resolves when they are linked. */
export async function pair(host: MeshGateway, node: BareNode): Promise<void> {
  await host.mesh('approve', { who: node.peerId })
  const { peerId } = await host.mesh<{ peerId: string }>('status')
  await node.cli('approve', peerId)
  await node.waitFor(({ event, state }) => event === 'peer' && state === 'connected')
}

/** Waits for a condition that has no event. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  limitMs = 20_000
): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`${what} did not happen in ${limitMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
