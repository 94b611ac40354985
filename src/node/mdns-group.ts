import { networkInterfaces } from 'node:os'
import type { Gauge, Log } from '../mesh/ports.ts'
import { Budget } from './budget.ts'
import type { MdnsTrouble } from './mdns-trouble.ts'
import { codeOf, MDNS_PORT, MulticastSocket, type Source } from './multicast.ts'
import { type Lan, lansKey, lansOf } from './subnet.ts'

/** How often the interfaces are looked at: a cable that is plugged in is noticed within this. */
const LOOK_MS = 1_000

/** Larger packets are not read: ours fit into one Ethernet frame, and a few more records may come from other implementations. */
const PACKET_MAX_BYTES = 4_096

/** Records that a packet may say it has. With the size this bounds what reading one costs (compressed names point at each other). */
const RECORDS_MAX = 64

/** Packets for us that are read between two looks: every instance of a large office answers at the same moment, some from one machine. */
const READ = { each: 100, all: 400 }

/** Packets of any kind between two looks, from which on it is a flood, and how long the socket is closed then. */
const FLOOD_PACKETS = 5_000
const FLOOD_REST_MS = 10_000

/** A packet of ours comes back at once where multicast works at all; after this many looks it does not. */
const ECHO_LOOKS = 2

export interface MdnsGroupEvents {
  /** There is a socket on networks that are new. */
  joined(): void
  /** A packet that mentions our service, from a neighbour. */
  heard(data: Buffer, from: Source): void
  /** What is wrong at present; undefined for nothing. Also said again when it is no news. */
  trouble(trouble: MdnsTrouble | undefined): void
}

export interface MdnsGroupInit {
  /** Bytes that are in every packet for us, however it is written. */
  mark: Buffer
  /** Only this machine itself, for nodes that listen there alone. */
  loopback: boolean
  /** @default 5353 */
  port?: number
  /** @default 1000 */
  lookMs?: number
  interfaces?: typeof networkInterfaces
}

/** What is known of an interface since the socket was opened. */
interface Health {
  /** Number of the look at the first packet after which none came back. */
  sentAt: number | undefined
  /** Why the last packet could not be sent. */
  code: string | undefined
}

/**
 * Keeps a socket in the group of mDNS whatever happens to the network, to the port and to the machine, and hands on the few packets that concern us.
 * Nothing here throws: what does not work is a trouble, and is tried again.
 */
export class MdnsGroup {
  readonly #log: Log
  readonly #events: MdnsGroupEvents
  readonly #init: MdnsGroupInit
  readonly #budget = new Budget(READ)
  /** One entry for each of `#lans`. */
  readonly #health = new Map<string, Health>()
  #lans: Lan[] = []
  #socket: MulticastSocket | undefined
  #timer: NodeJS.Timeout | undefined
  #rest: NodeJS.Timeout | undefined
  #looks = 0
  #looking = false
  #running = false
  #packets = 0

  constructor(components: { log: Log; events: MdnsGroupEvents }, init: MdnsGroupInit) {
    this.#log = components.log
    this.#events = components.events
    this.#init = init
  }

  /** Networks in use. */
  get lans(): Lan[] {
    return this.#lans
  }

  /** Returns when the first look is done, whatever it came to. */
  async start(): Promise<void> {
    this.#running = true
    await this.#look()
    if (this.#running) this.#timer = setInterval(() => void this.#look(), this.#init.lookMs ?? LOOK_MS).unref()
  }

  stop(): void {
    this.#running = false
    clearInterval(this.#timer)
    clearTimeout(this.#rest)
    this.#close()
  }

  gauges(): Gauge[] {
    return this.#budget.gauges('mdns senders')
  }

  /** Sends on each network what `encode` says for it, if anything. */
  async multicast(encode: (lan: Lan) => Buffer | undefined): Promise<void> {
    for (const lan of this.#lans) {
      try {
        await this.#multicastTo(lan, encode(lan))
      } catch (error) {
        this.#log.error('mdns packet not made', { reason: codeOf(error) })
      }
    }
  }

  async #multicastTo(lan: Lan, data: Buffer | undefined): Promise<void> {
    const socket = this.#socket
    if (data === undefined || socket === undefined) return
    const health = this.#health.get(lan.name)
    if (health !== undefined && socket.listens) health.sentAt ??= this.#looks
    const code = await socket.multicast(data, lan)
    if (health !== undefined) health.code = code
  }

  async unicast(data: Buffer, to: Source): Promise<void> {
    const code = await this.#socket?.unicast(data, to)
    if (code !== undefined) this.#log.debug('mdns answer not sent', { code })
  }

  async #look(): Promise<void> {
    if (this.#looking || this.#rest !== undefined) return
    this.#looking = true
    this.#looks++
    this.#packets = 0
    this.#budget.renew()
    try {
      await this.#renew()
    } catch (error) {
      this.#close()
      this.#events.trouble({ kind: 'failed', code: codeOf(error) })
    } finally {
      this.#looking = false
    }
  }

  async #renew(): Promise<void> {
    const lans = lansOf((this.#init.interfaces ?? networkInterfaces)(), { loopback: this.#init.loopback })
    const moved = lansKey(lans) !== lansKey(this.#lans)
    if (moved) this.#close()
    if (lans.length === 0) {
      this.#lans = lans
      this.#events.trouble({ kind: 'no_network' })
      return
    }
    const before = this.#socket
    if (before?.listens === true) before.rejoin()
    else await this.#open(lans)
    if (!this.#running) return
    const trouble = this.#trouble()
    // A socket that is new has nothing to say for itself yet, except what kept it from being a better one.
    if (this.#socket === before || trouble !== undefined) this.#events.trouble(trouble)
  }

  async #open(lans: Lan[]): Promise<void> {
    // While the port is taken, a socket at another one stays.
    const socket = (await this.#listening(lans)) ?? this.#socket ?? (await this.#socketAt(lans, false))
    if (!this.#running) socket.close()
    if (!this.#running || socket === this.#socket) return
    this.#close()
    this.#lans = lans
    for (const { name } of lans) this.#health.set(name, { sentAt: undefined, code: undefined })
    this.#socket = socket
    this.#events.joined()
  }

  /** Undefined when another program keeps the port to itself. */
  async #listening(lans: Lan[]): Promise<MulticastSocket | undefined> {
    try {
      return await this.#socketAt(lans, true)
    } catch (error) {
      if (codeOf(error) === 'EADDRINUSE') return undefined
      throw error
    }
  }

  async #socketAt(lans: Lan[], listens: boolean): Promise<MulticastSocket> {
    const events = {
      heard: (data: Buffer, from: Source) => this.#heard(data, from),
      broken: (code: string) => {
        this.#close()
        this.#events.trouble({ kind: 'failed', code })
      }
    }
    return await MulticastSocket.open(events, { lans, port: this.#init.port ?? MDNS_PORT, listens })
  }

  #close(): void {
    this.#socket?.close()
    this.#socket = undefined
    this.#health.clear()
  }

  #trouble(): MdnsTrouble | undefined {
    const blocked = [...this.#health].filter(
      ([, { sentAt, code }]) => code !== undefined || (sentAt !== undefined && this.#looks - sentAt >= ECHO_LOOKS)
    )
    if (blocked.length > 0) {
      const code = blocked.find(([, health]) => health.code !== undefined)?.[1].code
      return { kind: 'blocked', interfaces: blocked.map(([name]) => name), ...(code !== undefined && { code }) }
    }
    return this.#socket?.listens === true ? undefined : { kind: 'port_taken' }
  }

  /** Everything that costs more than a glance comes last: a flood must stay cheap. */
  #heard(data: Buffer, from: Source): void {
    this.#packets++
    if (this.#packets > FLOOD_PACKETS) {
      this.#pause()
      return
    }
    if (data.length > PACKET_MAX_BYTES || !data.includes(this.#init.mark) || recordsOf(data) > RECORDS_MAX) return
    const own = this.#lans.find(lan => lan.address === from.address)
    const health = own === undefined ? undefined : this.#health.get(own.name)
    if (health !== undefined) health.sentAt = undefined
    if (!this.#lans.some(lan => lan.contains(from.address))) return
    if (this.#budget.take(from.address)) this.#events.heard(data, from)
  }

  #pause(): void {
    this.#close()
    const end = (): void => {
      this.#rest = undefined
    }
    this.#rest = setTimeout(end, FLOOD_REST_MS).unref()
    this.#events.trouble({ kind: 'flooded' })
  }
}

/** Records of all four sections, as the header counts them; more than any number where there is no header. */
function recordsOf(packet: Buffer): number {
  if (packet.length < 12) return Number.POSITIVE_INFINITY
  return packet.readUInt16BE(4) + packet.readUInt16BE(6) + packet.readUInt16BE(8) + packet.readUInt16BE(10)
}
