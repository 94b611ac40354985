import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { CliResult } from './cli.ts'
import type { Sandbox } from './sandbox.ts'

const BIN = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'dist', 'bin.js')
/** Two cores shared with a starting gateway. */
const EVENT_LIMIT_MS = 60_000

/** One line of `libp2p-mesh node`. */
export type NodeEvent = { readonly event: string } & Readonly<Record<string, unknown>>

/** A bare node on loopback, as the peer of a gateway under test. */
export interface BareNode {
  readonly peerId: string
  readonly instanceId: string
  readonly addresses: string[]
  readonly events: readonly NodeEvent[]
  /** The first event, past or future, that `test` accepts. */
  waitFor(test: (event: NodeEvent) => boolean, limitMs?: number): Promise<NodeEvent>
  /** `libp2p-mesh <args> --state DIR`. */
  cli(...args: string[]): Promise<CliResult>
  stop(): Promise<void>
}

export async function startBareNode(
  sandbox: Sandbox,
  name: string,
  settings: Record<string, unknown> = {}
): Promise<BareNode> {
  const state = await sandbox.folder(name, 'state')
  const config = join(await sandbox.folder(name), 'mesh.json')
  await writeFile(
    config,
    JSON.stringify({ name, discovery: 'bootstrap', listenAddrs: ['/ip4/127.0.0.1/tcp/0'], ...settings })
  )
  const env = { PATH: process.env.PATH, HOME: await sandbox.folder(name, 'home'), NO_COLOR: '1' }
  const child = sandbox.spawn(process.execPath, [BIN, 'node', '--state', state, '--config', config], {
    cwd: sandbox.root,
    env
  })
  const events: NodeEvent[] = []
  const watchers = new Set<(event: NodeEvent) => void>()
  let errors = ''
  child.stderr?.on('data', (data: Buffer) => {
    errors += data.toString('utf8')
  })
  if (child.stdout === null) throw new Error('the node has no stdout')
  createInterface({ input: child.stdout }).on('line', line => {
    const event = JSON.parse(line) as NodeEvent
    events.push(event)
    for (const watcher of watchers) watcher(event)
  })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))

  const waitFor: BareNode['waitFor'] = async (test, limitMs = EVENT_LIMIT_MS) => {
    const known = events.find(test)
    if (known !== undefined) return known
    const { promise, resolve, reject } = Promise.withResolvers<NodeEvent>()
    const watcher = (event: NodeEvent): void => {
      if (test(event)) resolve(event)
    }
    const timer = setTimeout(
      () => reject(new Error(`${name}: no such event in ${limitMs} ms: ${JSON.stringify(events)}\n${errors}`)),
      limitMs
    )
    watchers.add(watcher)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      watchers.delete(watcher)
    }
  }
  const ready = await waitFor(({ event }) => event === 'ready')

  return {
    peerId: String(ready.peerId),
    instanceId: String(ready.instanceId),
    addresses: ready.addresses as string[],
    events,
    waitFor,
    async cli(...args) {
      const startedAt = performance.now()
      const command = sandbox.spawn(process.execPath, [BIN, ...args, '--state', state], { cwd: sandbox.root, env })
      let stdout = ''
      let stderr = ''
      command.stdout?.on('data', (data: Buffer) => {
        stdout += data.toString('utf8')
      })
      command.stderr?.on('data', (data: Buffer) => {
        stderr += data.toString('utf8')
      })
      const code = await new Promise<number | null>(resolve => command.once('close', resolve))
      return { code, stdout, stderr, ms: performance.now() - startedAt }
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    }
  }
}
