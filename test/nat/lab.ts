import type { Sandbox } from '../host/harness/sandbox.ts'
import { Namespace } from './namespace.ts'
import { Namespaces } from './namespaces.ts'

export type { Running } from './namespace.ts'

const SUBNET = '10.77.0'
const SWITCH = 'br0'

/** A machine with one interface, plugged into the switch. */
export class Machine extends Namespace {
  readonly address: string
  readonly #hub: Namespace
  readonly #port: string

  constructor(namespaces: Namespaces, hub: Namespace, number: number) {
    super(namespaces, `${number}`)
    this.address = `${SUBNET}.${number}`
    this.#hub = hub
    this.#port = `p${number}`
    this.plug()
  }

  /** Gives it the interface `v0` with a cable to the switch. */
  plug(): void {
    this.cable('v0', this.#hub, this.#port)
    this.ip('addr', 'add', `${this.address}/24`, 'dev', 'v0')
    this.attach()
  }

  /** The switch does not carry what this machine sends, nor to it; the machine does not notice. */
  detach(): void {
    this.#hub.ip('link', 'set', this.#port, 'nomaster')
  }

  attach(): void {
    this.#hub.ip('link', 'set', this.#port, 'master', SWITCH)
  }
}

/** Machines on one switch, from which no cable leads anywhere else. */
export class Lab implements AsyncDisposable {
  readonly machines: Machine[] = []
  readonly #namespaces: Namespaces

  private constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces
  }

  static async create(count: number): Promise<Lab> {
    const namespaces = await Namespaces.create()
    const lab = new Lab(namespaces)
    try {
      const hub = new Namespace(namespaces, 'hub')
      hub.addSwitch(SWITCH)
      for (let number = 1; number <= count; number++) lab.machines.push(new Machine(namespaces, hub, number))
      return lab
    } catch (error) {
      await lab[Symbol.asyncDispose]()
      throw error
    }
  }

  get sandbox(): Sandbox {
    return this.#namespaces.sandbox
  }

  /** The machine with this number, from 1. */
  machine(number: number): Machine {
    const machine = this.machines[number - 1]
    if (machine === undefined) throw new Error(`no machine ${number}`)
    return machine
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces[Symbol.asyncDispose]()
  }
}
