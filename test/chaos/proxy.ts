import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** How a way between two sockets is. */
export interface Way {
  /** Each chunk takes so long, ms. */
  delayMs: number
  /** And up to so much longer, by chance; order stays. */
  jitterMs: number
  bytesPerSecond: number
  /** Nothing goes on until the way is open again; nothing of it is lost. */
  held: boolean
}

export const OPEN: Way = { delayMs: 0, jitterMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, held: false }

/** Both ways of one connection that goes through. */
interface Through {
  sockets: [Socket, Socket]
  /** Swallows everything from now on, and neither end is told. */
  dead: boolean
}

/** A TCP proxy on loopback that treats what goes through it as badly as it is told. */
export class ChaosProxy implements Disposable {
  readonly port: number
  /** To the node behind it, and back from it. */
  ways: { in: Way; out: Way } = { in: OPEN, out: OPEN }
  readonly #server: Server
  readonly #random: () => number
  readonly #throughs = new Set<Through>()
  readonly #waiting = new Set<() => void>()

  private constructor(server: Server, port: number, random: () => number) {
    this.#server = server
    this.port = port
    this.#random = random
  }

  /** @param init `target`: port behind it */
  static async open(init: { target: number; random: () => number }): Promise<ChaosProxy> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const proxy = new ChaosProxy(server, port, init.random)
    server.on('connection', socket =>
      proxy.#pass(socket, connect({ port: init.target, host: '127.0.0.1', noDelay: true }))
    )
    return proxy
  }

  set(ways: { in: Way; out: Way }): void {
    this.ways = ways
    for (const go of [...this.#waiting]) go()
  }

  /** Ends all connections, politely or by a reset. */
  cut(how: 'close' | 'reset'): void {
    for (const { sockets } of this.#throughs)
      for (const socket of sockets) {
        if (how === 'close') socket.destroy()
        else socket.resetAndDestroy()
      }
  }

  /** What is connected stays so, and hears nothing any more; new connections are well. */
  forget(): void {
    for (const through of this.#throughs) through.dead = true
  }

  [Symbol.dispose](): void {
    this.#server.close()
    this.cut('close')
  }

  #pass(outer: Socket, inner: Socket): void {
    const through: Through = { sockets: [outer, inner], dead: false }
    this.#throughs.add(through)
    const end = (): void => {
      this.#throughs.delete(through)
      if (through.dead) return
      outer.destroy()
      inner.destroy()
    }
    for (const socket of through.sockets) socket.on('error', end).on('close', end)
    this.#pump(through, outer, inner, 'in')
    this.#pump(through, inner, outer, 'out')
  }

  #pump(through: Through, from: Socket, to: Socket, way: 'in' | 'out'): void {
    let freeMs = 0
    from.on('data', async (chunk: Buffer) => {
      if (through.dead) return
      from.pause()
      const { delayMs, jitterMs, bytesPerSecond } = this.ways[way]
      const nowMs = performance.now()
      freeMs = Math.max(freeMs, nowMs) + (chunk.length / bytesPerSecond) * 1_000
      const waitMs = freeMs - nowMs + delayMs + this.#random() * jitterMs
      if (waitMs >= 1) await new Promise(resolve => setTimeout(resolve, waitMs))
      while (this.ways[way].held) await new Promise<void>(resolve => this.#waitFor(resolve))
      if (!through.dead && to.writable) to.write(chunk)
      from.resume()
    })
  }

  #waitFor(go: () => void): void {
    const once = (): void => {
      this.#waiting.delete(once)
      go()
    }
    this.#waiting.add(once)
  }
}
