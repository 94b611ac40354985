import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ControlClient } from '../../src/control/client.ts'
import { connectControl } from '../../src/control/socket.ts'
import type { Sandbox } from '../host/harness/sandbox.ts'
import { TOLD, type Told } from './seams/told.ts'

/** Longest start on a machine with other work. */
const READY_MAX_MS = 120_000

export interface Message {
  text: string
  fromPeerId: string
  again: boolean
}

export interface ChaosNodeInit {
  name: string
  /** Fixed, so that a node that comes back is found where it was. */
  port: number
  onMessage: (message: Message) => void
  /** @default loopback */
  host?: string
}

interface Spawned {
  child: ChildProcess
  stateDir: string
  /** False: it ended first. */
  ready: Promise<boolean>
  ended: Promise<string>
}

/** A node as its own process that can be killed and started again on its state directory, as often as one likes. */
export class ChaosNode {
  readonly name: string
  readonly address: string
  peerId = ''
  instanceId = ''
  /** Where others are looked for, besides what the node remembers by itself. */
  bootstrap: string[] = []
  told: Told = {}
  settings: Record<string, unknown> = {}
  /** More for its environment, and what it runs inside of, for example a namespace. */
  env: NodeJS.ProcessEnv = {}
  inside: readonly string[] = []
  /** Set while the node runs and answers. */
  client: ControlClient | undefined
  readonly #sandbox: Sandbox
  readonly #bin: string
  readonly #init: ChaosNodeInit
  #spawned: Promise<Spawned> | undefined
  #stderr = ''

  constructor(components: { sandbox: Sandbox; bin: string }, init: ChaosNodeInit) {
    this.#sandbox = components.sandbox
    this.#bin = components.bin
    this.#init = init
    this.name = init.name
    this.address = `/ip4/${init.host ?? '127.0.0.1'}/tcp/${init.port}`
  }

  /** What the present process said on standard error. */
  get stderr(): string {
    return this.#stderr
  }

  /** Resolves with true when it is ready, or with false when it ended before that. */
  async start(): Promise<boolean> {
    this.#spawned = this.#spawn()
    const { child, stateDir, ready } = await this.#spawned
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_MAX_MS)
    const up = await ready
    clearTimeout(timer)
    const client = up ? await connectControl(stateDir).catch(() => undefined) : undefined
    if (child.exitCode !== null || child.signalCode !== null) return false
    this.client = client
    return client !== undefined
  }

  /** Stops it or lets it go on, as a machine that sleeps. */
  async pause(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const spawned = await this.#spawned
    spawned?.child.kill(signal)
  }

  /** Ends the process that was started last, wherever its start has got to. Resolves with the exit code or the signal. */
  async end(signal?: NodeJS.Signals): Promise<string> {
    const spawned = await this.#spawned
    if (spawned === undefined) return 'never started'
    if (signal !== undefined) spawned.child.kill(signal)
    return await spawned.ended
  }

  async #spawn(): Promise<Spawned> {
    const stateDir = await this.#sandbox.folder(this.name, 'state')
    const home = await this.#sandbox.folder('home')
    const config = join(await this.#sandbox.folder(this.name), 'settings.json')
    const own = { name: this.name, discovery: 'bootstrap', listenAddrs: [this.address], enableUPnP: false }
    await writeFile(config, JSON.stringify({ ...own, bootstrapList: this.bootstrap, ...this.settings }))
    const node = [process.execPath, this.#bin, 'node', '--state', stateDir, '--config', config]
    const [program = process.execPath, ...words] = [...this.inside, ...node]
    const told = { [TOLD]: JSON.stringify(this.told) }
    const env = { PATH: process.env['PATH'], HOME: home, NO_COLOR: '1', ...told, ...this.env }
    const child = this.#sandbox.spawn(program, words, { cwd: home, env })
    if (child.stdout === null || child.stderr === null) throw new Error('no pipe to the node')
    this.#stderr = ''
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      this.#stderr += part
    })
    const { promise: ready, resolve } = Promise.withResolvers<boolean>()
    const lines = createInterface({ input: child.stdout })
    lines.on('line', line => this.#take(line, resolve))
    // Everything that it printed before its end is taken before its end is.
    const ended = Promise.all([once(child, 'exit'), once(lines, 'close')]).then(([[code, signal]]) => {
      this.client = undefined
      resolve(false)
      return String(code ?? signal)
    })
    return { child, stateDir, ready, ended }
  }

  #take(line: string, ready: (up: boolean) => void): void {
    const event = JSON.parse(line) as { event: string } & Record<string, unknown>
    if (event.event === 'ready') {
      this.peerId = event['peerId'] as string
      this.instanceId = event['instanceId'] as string
      ready(true)
    } else if (event.event === 'message') {
      const { text, fromPeerId } = event as unknown as Message
      this.#init.onMessage({ text, fromPeerId, again: event['mayRepeat'] === true })
    }
  }
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
