import { type ChildProcess, execFileSync } from 'node:child_process'
import { type JsonEvent, JsonEvents } from '../integration/harness/json-events.ts'
import { ip } from './ip.ts'
import type { Namespaces } from './namespaces.ts'

export interface Running {
  readonly process: ChildProcess
  readonly events: JsonEvents
  stderr(): string
  /** Its `ready` event. @throws Error when it ends before */
  ready(): Promise<JsonEvent>
  /** Ends it, as a service manager does unless another signal is named, and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** A network namespace: what a machine is to everybody on a network, here without a cable. */
export class Namespace {
  readonly name: string
  readonly #namespaces: Namespaces

  /** @param name unique among these namespaces */
  constructor(namespaces: Namespaces, name: string) {
    this.#namespaces = namespaces
    this.name = namespaces.named(name)
    ip('netns', 'add', this.name)
    this.ip('link', 'set', 'lo', 'up')
  }

  /** What stands before a command that runs inside. */
  get inside(): string[] {
    return ['ip', 'netns', 'exec', this.name]
  }

  /** `ip` inside. */
  ip(...args: string[]): void {
    ip('-n', this.name, ...args)
  }

  /** Any program inside, to its end; its standard output. */
  run(program: string, ...args: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, program, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe']
    })
  }

  /** A cable from the interface `own`, which is made here, to `far` in the other namespace. Both ends are up. */
  cable(own: string, other: Namespace, far: string): void {
    ip('link', 'add', own, 'netns', this.name, 'type', 'veth', 'peer', 'name', far, 'netns', other.name)
    this.ip('link', 'set', own, 'up')
    other.ip('link', 'set', far, 'up')
  }

  /** A switch of its own, with Linux's settings for one: no spanning tree, snooping on. */
  addSwitch(name: string): void {
    this.ip('link', 'add', name, 'type', 'bridge')
    this.ip('link', 'set', name, 'up')
  }

  /** Passes on what is not for itself. */
  forward(): void {
    this.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward')
  }

  /** A program inside that prints JSON lines. */
  async start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Running> {
    const { sandbox } = this.#namespaces
    const home = await sandbox.folder('home')
    const child = sandbox.spawn('ip', ['netns', 'exec', this.name, program, ...args], {
      cwd: home,
      env: { PATH: process.env['PATH'], HOME: home, ...env }
    })
    const { stdout, stderr } = child
    if (stdout === null || stderr === null) throw new Error('no pipe')
    let said = ''
    stderr.setEncoding('utf8').on('data', (part: string) => {
      said += part
    })
    const exited = new Promise<number | null>(resolve => child.on('exit', resolve))
    const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
      child.kill(signal)
      return exited
    }
    const events = new JsonEvents({ stream: stdout })
    const ready = async (): Promise<JsonEvent> => {
      const failed = exited.then(code =>
        Promise.reject(new Error(`${program} ended with ${code} at its start:\n${said}`))
      )
      failed.catch(() => undefined)
      return await Promise.race([events.next('ready'), failed])
    }
    return { process: child, events, stderr: () => said, ready, stop }
  }
}
