import { type ChildProcess, execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createSandbox, type Sandbox } from '../host/harness/sandbox.ts'
import { JsonEvents } from '../integration/harness/json-events.ts'

/** `lm<pid>x<number>-<machine>`: so that what a killed run left behind is found. */
const NAMES = /^lm(\d+)x\d+-/

const SUBNET = '10.77.0'

let labs = 0

export interface Running {
  readonly process: ChildProcess
  readonly events: JsonEvents
  stderr(): string
  /** Ends it as a service manager does, and waits for its end. */
  stop(): Promise<number | null>
}

/** A machine: a network namespace with one interface, plugged into the switch. */
export class Machine {
  readonly address: string
  readonly #sandbox: Sandbox
  readonly #names: { machine: string; hub: string; port: string }

  constructor(sandbox: Sandbox, names: { machine: string; hub: string; port: string }, number: number) {
    this.#sandbox = sandbox
    this.#names = names
    this.address = `${SUBNET}.${number}`
    ip('netns', 'add', names.machine)
    this.ip('link', 'set', 'lo', 'up')
    this.plug()
  }

  /** Gives it the interface `v0` with a cable to the switch. */
  plug(): void {
    const { machine, hub, port } = this.#names
    ip('link', 'add', 'v0', 'netns', machine, 'type', 'veth', 'peer', 'name', port, 'netns', hub)
    this.ip('addr', 'add', `${this.address}/24`, 'dev', 'v0')
    this.ip('link', 'set', 'v0', 'up')
    ip('-n', hub, 'link', 'set', port, 'up')
    this.attach()
  }

  /** What stands before a command that runs inside. */
  get inside(): string[] {
    return ['ip', 'netns', 'exec', this.#names.machine]
  }

  /** `ip` inside. */
  ip(...args: string[]): void {
    ip('-n', this.#names.machine, ...args)
  }

  /** Any program inside, to its end. */
  run(program: string, ...args: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.#names.machine, program, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe']
    })
  }

  /** The switch does not carry what this machine sends, nor to it; the machine does not notice. */
  detach(): void {
    ip('-n', this.#names.hub, 'link', 'set', this.#names.port, 'nomaster')
  }

  attach(): void {
    ip('-n', this.#names.hub, 'link', 'set', this.#names.port, 'master', 'br0')
  }

  /** A program inside that prints JSON lines. */
  async start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Running> {
    const home = await this.#sandbox.folder('home')
    const child = this.#sandbox.spawn('ip', ['netns', 'exec', this.#names.machine, program, ...args], {
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
    const stop = (): Promise<number | null> => {
      child.kill('SIGTERM')
      return exited
    }
    return { process: child, events: new JsonEvents({ stream: stdout }), stderr: () => said, stop }
  }
}

/**
 * Machines on one switch, with Linux's settings for one: no spanning tree, snooping on. Nothing leaves it. Needs root and `ip`; processes and
 * namespaces go with it, and after a sudden end with the next one.
 */
export class Lab implements AsyncDisposable {
  readonly sandbox: Sandbox
  readonly machines: Machine[]
  readonly #namespaces: string[]

  private constructor(sandbox: Sandbox, machines: Machine[], namespaces: string[]) {
    this.sandbox = sandbox
    this.machines = machines
    this.#namespaces = namespaces
  }

  static async create(count: number): Promise<Lab> {
    removeLeft()
    const lab = `lm${process.pid}x${++labs}`
    const hub = `${lab}-hub`
    const sandbox = await createSandbox('lm-nat')
    const machines: Machine[] = []
    const namespaces = [hub]
    const built = new Lab(sandbox, machines, namespaces)
    try {
      ip('netns', 'add', hub)
      ip('-n', hub, 'link', 'add', 'br0', 'type', 'bridge')
      ip('-n', hub, 'link', 'set', 'br0', 'up')
      for (let number = 1; number <= count; number++) {
        const machine = `${lab}-${number}`
        namespaces.push(machine)
        machines.push(new Machine(sandbox, { machine, hub, port: `p${number}` }, number))
      }
      return built
    } catch (error) {
      await built[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The machine with this number, from 1. */
  machine(number: number): Machine {
    const machine = this.machines[number - 1]
    if (machine === undefined) throw new Error(`no machine ${number}`)
    return machine
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]()
    const there = namespacesNow()
    for (const name of this.#namespaces) if (there.includes(name)) ip('netns', 'del', name)
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function namespacesNow(): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns') : []
}

function removeLeft(): void {
  for (const name of namespacesNow()) {
    const pid = NAMES.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) ip('netns', 'del', name)
  }
}
