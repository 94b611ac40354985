import type { Sandbox } from '../host/harness/sandbox.ts'
import type { Namespace, Running } from './namespace.ts'
import { bundle } from './nodes.ts'

/** A SYN that is dropped is sent again after a second: an answer that is to come is there long before that has been tried twice. */
const DROPPED_MS = 2_500

/** How a connection ended: what the other side saw as its source, or why there was none. */
export type Dialled = { as: string } | { failed: string }

/** Plain TCP between namespaces, from chosen ports: what routers do with it. */
export class Tcp {
  readonly #program: string

  private constructor(program: string) {
    this.#program = program
  }

  static async create(sandbox: Sandbox): Promise<Tcp> {
    return new Tcp(await bundle(sandbox, 'probe.ts'))
  }

  async listen(where: Namespace, port: number): Promise<Running> {
    const running = await this.#start(where, 'listen', port)
    await running.ready()
    return running
  }

  async dial(where: Namespace, ownPort: number, to: string, port: number): Promise<Dialled> {
    const { events } = await this.#start(where, 'dial', ownPort, to, port, DROPPED_MS)
    const { as, code } = await events.next('end')
    return typeof as === 'string' ? { as } : { failed: String(code) }
  }

  /** Asks the router to open the port to this host; its answer, in which result 0 is yes. */
  async map(where: Namespace, port: number, gateway: string): Promise<Record<string, unknown>> {
    const { events } = await this.#start(where, 'map', port, gateway)
    return await events.next('mapped')
  }

  async #start(where: Namespace, ...words: (string | number)[]): Promise<Running> {
    return await where.start(process.execPath, [this.#program, ...words.map(String)])
  }
}
