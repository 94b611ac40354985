import { createSocket, type Socket } from 'node:dgram'
import type { Lan } from './subnet.ts'

/** Where mDNS lives (RFC 6762). */
const MDNS_ADDRESS = '224.0.0.251'
export const MDNS_PORT = 5353

/** Shows that a packet has crossed no router (RFC 6762, section 11). */
const HOPS = 255

/** Packets that may wait for the socket. */
const WAITING_MAX = 64

export interface Source {
  address: string
  port: number
}

export interface MulticastEvents {
  heard(data: Buffer, from: Source): void
  /** The socket is of no use any more; it has been closed. */
  broken(code: string): void
}

export interface MulticastInit {
  lans: Lan[]
  /** Of the group. */
  port: number
  /** Listen at the group's port, beside other programs. Without it, only answers to our own packets arrive. */
  listens: boolean
}

/**
 * A UDP socket in the group of mDNS, on every given interface. Node's own sends go where the routing table points, and nowhere when it has no
 * route for multicast; here each packet names its interface.
 */
export class MulticastSocket {
  readonly listens: boolean
  readonly #socket: Socket
  readonly #port: number
  readonly #lans: Lan[]
  /** Sends wait for each other: the interface is a property of the socket, not of the packet. */
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #settle: ((code: string | undefined) => void) | undefined
  #open = true

  private constructor(socket: Socket, init: MulticastInit) {
    this.#socket = socket
    this.#port = init.port
    this.#lans = init.lans
    this.listens = init.listens
  }

  /** @throws Error of the system, with its code */
  static async open(events: MulticastEvents, init: MulticastInit): Promise<MulticastSocket> {
    const socket = createSocket({ type: 'udp4', reuseAddr: init.listens })
    const opened = new MulticastSocket(socket, init)
    const { promise: bound, resolve, reject } = Promise.withResolvers<void>()
    let listening = false
    // Heard for as long as the socket lives: an error that nobody hears would end the process.
    socket.on('error', error => {
      if (!listening) reject(error)
      else if (opened.#open) {
        opened.close()
        events.broken(codeOf(error))
      }
    })
    socket.on('message', (data, from) => opened.#open && events.heard(data, from))
    try {
      socket.bind(init.listens ? init.port : 0, resolve)
      await bound
      listening = true
      socket.setMulticastTTL(HOPS)
      const errors = init.listens ? opened.#join() : []
      if (errors.length > 0 && errors.length === init.lans.length) throw errors[0]
      return opened
    } catch (error) {
      opened.close()
      throw error
    }
  }

  /** An interface that went and came back under the same name has left the group. */
  rejoin(): void {
    // To be a member already is an error too, with a code of its own on each system.
    this.#join()
  }

  /** To everybody on one interface. Resolves with the code of what went wrong, if anything; never rejects. */
  multicast(data: Buffer, lan: Lan): Promise<string | undefined> {
    return this.#queue(() => {
      this.#socket.setMulticastInterface(lan.address)
      return this.#send(data, { address: MDNS_ADDRESS, port: this.#port })
    })
  }

  /** To one. Resolves as `multicast` does. */
  unicast(data: Buffer, to: Source): Promise<string | undefined> {
    return this.#queue(() => this.#send(data, to))
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    // Node forgets the callbacks of sends that are under way.
    this.#settle?.('closed')
    this.#socket.close()
  }

  /** What went wrong, for each interface where it did. */
  #join(): unknown[] {
    const errors: unknown[] = []
    for (const lan of this.#lans) {
      try {
        this.#socket.addMembership(MDNS_ADDRESS, lan.address)
      } catch (error) {
        errors.push(error)
      }
    }
    return errors
  }

  async #queue(work: () => Promise<string | undefined>): Promise<string | undefined> {
    if (this.#waiting >= WAITING_MAX) return 'ENOBUFS'
    this.#waiting++
    const turn = this.#last.then(async () => {
      try {
        return this.#open ? await work() : 'closed'
      } catch (error) {
        return codeOf(error)
      } finally {
        this.#waiting--
      }
    })
    this.#last = turn
    return await turn
  }

  #send(data: Buffer, to: Source): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    this.#settle = resolve
    this.#socket.send(data, to.port, to.address, error => resolve(error ? codeOf(error) : undefined))
    return promise
  }
}

export function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return 'unknown'
}
