import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControlClient } from '../../src/control/client.ts'
import type { Method, Params, Result } from '../../src/control/methods.ts'
import { connectControl } from '../../src/control/socket.ts'
import type { Sandbox } from '../host/harness/sandbox.ts'
import { BIN } from '../integration/harness/bare-node.ts'
import type { Namespace, Running } from './namespace.ts'

export interface MemberInit {
  name: string
  machine: Namespace
  settings: Record<string, unknown>
}

interface Run {
  running: Running
  control: ControlClient
  peerId: string
}

/** A bare node, the built program, with a state that outlives its process. It is asked through its control socket. */
export class Member {
  readonly name: string
  readonly stateDir: string
  readonly #machine: Namespace
  readonly #config: string
  /** All processes so far, the last is the present one. */
  readonly #processes: Running[] = []
  #run: Run | undefined

  private constructor(init: MemberInit, folder: string) {
    this.name = init.name
    this.#machine = init.machine
    this.stateDir = join(folder, 'state')
    this.#config = join(folder, 'settings.json')
  }

  static async create(sandbox: Sandbox, init: MemberInit): Promise<Member> {
    const member = new Member(init, await sandbox.folder(init.name))
    await writeFile(member.#config, JSON.stringify({ name: init.name, ...init.settings }))
    return member
  }

  get peerId(): string {
    return this.#now.peerId
  }

  /** Starts it and waits until it says that it is ready; when that was, by `performance.now()`. */
  async start(): Promise<number> {
    const words = [BIN, 'node', '--state', this.stateDir, '--config', this.#config, '--verbose']
    const running = await this.#machine.start(process.execPath, words)
    this.#processes.push(running)
    const { peerId } = await running.ready()
    const readyMs = performance.now()
    this.#run = { running, control: await connectControl(this.stateDir), peerId: String(peerId) }
    return readyMs
  }

  /** Ends it and waits for its end; its exit code. */
  async stop(): Promise<number | null> {
    const { running, control } = this.#now
    this.#run = undefined
    await control.close()
    return await running.stop()
  }

  /** To the process itself, past the `ip` that started it. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#now.running.process
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean))
      process.kill(Number(child), signal)
    if (pid !== undefined) process.kill(pid, signal)
  }

  async call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    return await this.#now.control.call(method, params)
  }

  /** When the text was shown here, by `performance.now()`. */
  async shown(text: string): Promise<number> {
    await this.#now.running.events.next('message', message => message['text'] === text)
    return performance.now()
  }

  /** Everything that was shown so far, by all its processes. */
  texts(): string[] {
    return this.#processes
      .flatMap(({ events }) => events.all)
      .filter(({ event }) => event === 'message')
      .map(({ text }) => String(text))
  }

  /** What all its processes said on standard error. */
  log(): string {
    return this.#processes.map(({ stderr }) => stderr()).join('')
  }

  get #now(): Run {
    if (this.#run === undefined) throw new Error(`${this.name} does not run`)
    return this.#run
  }
}
