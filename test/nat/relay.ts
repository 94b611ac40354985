import type { Sandbox } from '../host/harness/sandbox.ts'
import { BIN } from '../integration/harness/bare-node.ts'
import type { Customer } from './customer.ts'
import type { Running } from './namespace.ts'

const PORT = 4_001

/** The relay program on a public machine, open to everybody, with an identity that outlives its process. */
export class Relay {
  readonly #machine: Customer
  readonly #stateDir: string
  #running: Running | undefined

  private constructor(machine: Customer, stateDir: string) {
    this.#machine = machine
    this.#stateDir = stateDir
  }

  static async create(sandbox: Sandbox, machine: Customer): Promise<Relay> {
    return new Relay(machine, await sandbox.folder('relay'))
  }

  /** Starts it and waits until it says that it is ready; its address as settings take it. */
  async start(): Promise<string> {
    const announced = `/ip4/${this.#machine.address}/tcp/${PORT}`
    const where = ['--listen', `/ip4/0.0.0.0/tcp/${PORT}`, '--announce', announced]
    this.#running = await this.#machine.start(process.execPath, [
      BIN,
      'relay',
      '--state',
      this.#stateDir,
      ...where,
      '--open',
      '--json'
    ])
    const { peerId } = await this.#running.ready()
    return `${announced}/p2p/${peerId}`
  }

  /** Ends it, as a service manager does, and waits for its end. */
  async stop(): Promise<void> {
    await this.#running?.stop()
  }
}
