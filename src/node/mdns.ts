import type { PeerDiscovery, PeerInfo, Startable } from '@libp2p/interface'
import type { MulticastDNSComponents } from '@libp2p/mdns'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Packet } from 'dns-packet'
import type { Gauge, Log } from '../mesh/ports.ts'
import { MdnsGroup, type MdnsGroupInit } from './mdns-group.ts'
import type { MdnsTrouble } from './mdns-trouble.ts'
import { codeOf, MDNS_PORT, type Source } from './multicast.ts'
import { Pace } from './pace.ts'
import { QuerySchedule } from './query-schedule.ts'
import { Recent } from './recent.ts'
import { isNeighbour, type Lan } from './subnet.ts'

/** Who is asked waits a moment by chance, so that not everybody answers at once (RFC 6762, section 6). One answer does for all queries meanwhile. */
const ANSWERING = { firstMs: 20, lastMs: 120, pauseMs: 400 }

/** From one answer to a single machine that asks from another port than that of mDNS to the next. */
const SINGLE_PAUSE_MS = 100

/** A newcomer is worth a query of our own; but newcomers, true or pretended, never make us ask more often than this. */
const WELCOMING = { firstMs: 100, lastMs: 100, pauseMs: 2_000 }

/** A machine that has not asked for this long is a newcomer when it asks again. */
const ASKERS = { forgetMs: 60_000, max: 256 }

/** An answer fits into one Ethernet frame: of a larger one, any lost fragment loses the whole. */
const ANSWER_MAX_BYTES = 1_400

/** Addresses of one sighting that are passed on. */
const ADDRESSES_MAX = 8

/** What libp2p's module for mDNS has beside its interface: who gives it a socket keeps it from opening its own. */
type Module = PeerDiscovery &
  Startable & {
    mdns?: { respond(answers: Answer[]): void; removeListener(): void; destroy(done: () => void): void }
    _onMdnsQuery(packet: { questions: { name: string; type: 'PTR' }[] }): void
    _onMdnsResponse(packet: Packet): void
  }

export interface MdnsEvents {
  seen(peer: string, addresses: string[]): void
  trouble(trouble: MdnsTrouble | undefined): void
}

export interface MdnsInit {
  serviceTag: string
  loopback: boolean
  group?: Pick<MdnsGroupInit, 'port' | 'lookMs' | 'interfaces'>
}

/**
 * mDNS as libp2p speaks it. The records are those of `@libp2p/mdns`; when to ask, when to answer, over which sockets and what to believe is
 * decided here: the module asks once and then every ten seconds, so that a single lost packet costs ten seconds, it sends to one interface only,
 * reads every packet to its end and believes every address.
 */
export class Mdns {
  readonly #log: Log
  readonly #events: MdnsEvents
  readonly #init: MdnsInit
  readonly #group: MdnsGroup
  readonly #schedule = new QuerySchedule()
  readonly #askers = new Recent(ASKERS)
  readonly #answering = new Pace({ work: () => this.#answer() }, ANSWERING)
  readonly #welcoming = new Pace({ work: () => this.#ask() }, WELCOMING)
  #module: Module | undefined
  #taken: Answer[] = []
  /** The last query: what comes back is no question to us. */
  #question: Buffer | undefined
  #askTimer: NodeJS.Timeout | undefined
  #singlePause: NodeJS.Timeout | undefined

  constructor(components: { log: Log; events: MdnsEvents }, init: MdnsInit) {
    const { log } = components
    this.#log = log
    this.#events = components.events
    this.#init = init
    const label = init.serviceTag.split('.')[0] ?? ''
    this.#group = new MdnsGroup(
      {
        log,
        events: {
          joined: () => this.#joined(),
          heard: (data, from) => this.#heard(data, from),
          trouble: trouble => this.#events.trouble(trouble)
        }
      },
      { ...init.group, loopback: init.loopback, mark: Buffer.from(label) }
    )
  }

  /** The module for libp2p. Loaded by whoever needs it. */
  async module(): Promise<(components: MulticastDNSComponents) => PeerDiscovery> {
    const { mdns } = await import('@libp2p/mdns')
    return components => {
      const module = mdns({ serviceTag: this.#init.serviceTag })(components) as Module
      module.mdns = {
        respond: answers => {
          this.#taken = answers
        },
        removeListener: () => undefined,
        destroy: done => done()
      }
      module.addEventListener('peer', event => {
        // libp2p would remember every address, whatever it is, and dial it for anybody who names the peer.
        event.stopImmediatePropagation()
        try {
          this.#seen(event.detail)
        } catch (error) {
          // Thrown in here it would end the process.
          this.#log.error('a sighting failed', { reason: codeOf(error) })
        }
      })
      this.#module = module
      return module
    }
  }

  /** Call when the node listens: before that there is nothing to answer. Returns when the socket is open or has failed; never rejects. */
  async start(): Promise<void> {
    await this.#group.start()
  }

  gauges(): Gauge[] {
    return [...this.#group.gauges(), ...this.#askers.gauges('mdns askers')]
  }

  stop(): void {
    this.#group.stop()
    this.#askers.clear()
    this.#answering.stop()
    this.#welcoming.stop()
    clearTimeout(this.#askTimer)
    clearTimeout(this.#singlePause)
  }

  #joined(): void {
    this.#schedule.restart()
    this.#ask()
  }

  #ask(): void {
    // RFC 6762 has no use for the id and everybody ignores it: here it tells our own query from those of others on this machine.
    const id = 1 + Math.floor(Math.random() * 0xffff)
    const question = encode({ type: 'query', id, questions: [{ name: this.#init.serviceTag, type: 'PTR' }] })
    this.#question = question
    void this.#group.multicast(() => question)
    // Whoever is there already learns of us at once, also where the query or its own answer gets lost.
    if (this.#schedule.fresh) this.#answering.ask()
    this.#askIn(this.#schedule.asked())
  }

  #askIn(waitMs: number): void {
    clearTimeout(this.#askTimer)
    this.#askTimer = setTimeout(() => this.#ask(), waitMs).unref()
  }

  #heard(data: Buffer, from: Source): void {
    if (this.#question?.equals(data) === true) return
    try {
      const packet = decode(data)
      if (packet.type === 'response') this.#module?._onMdnsResponse(packet)
      else if (packet.questions?.some(question => question.name === this.#init.serviceTag)) this.#asked(packet, from)
    } catch (error) {
      this.#log.debug('mdns packet not understood', { reason: codeOf(error) })
    }
  }

  #asked(query: Packet, from: Source): void {
    if (from.port !== (this.#init.group?.port ?? MDNS_PORT)) {
      this.#answerTo(query, from)
      return
    }
    this.#answering.ask()
    if (this.#askers.add(from.address)) this.#welcoming.ask()
    const waitMs = this.#schedule.othersAsked()
    if (waitMs !== undefined) this.#askIn(waitMs)
  }

  #answer(): void {
    try {
      const answers = this.#ownAnswers()
      void this.#group.multicast(lan => encodeAnswers(answers, lan))
    } catch (error) {
      // Run by a timer: thrown in here it would end the process.
      this.#log.error('an mdns answer failed', { reason: codeOf(error) })
    }
  }

  /** Who asks from another port hears nothing that is said to everybody (RFC 6762, section 6.7). */
  #answerTo(query: Packet, to: Source): void {
    if (this.#singlePause !== undefined) return
    this.#singlePause = setTimeout(() => {
      this.#singlePause = undefined
    }, SINGLE_PAUSE_MS).unref()
    const lan = this.#group.lans.find(candidate => candidate.contains(to.address))
    const data = lan && encodeAnswers(this.#ownAnswers(), lan, query.id)
    if (data !== undefined) void this.#group.unicast(data, to)
  }

  /** The records of libp2p's module: a pointer, and an address in each of the others. */
  #ownAnswers(): Answer[] {
    this.#taken = []
    this.#module?._onMdnsQuery({ questions: [{ name: this.#init.serviceTag, type: 'PTR' }] })
    return this.#taken
  }

  #seen(info: PeerInfo): void {
    const peer = info.id.toString()
    const addresses = info.multiaddrs
      .map(address => address.toString())
      .filter(address => isNeighbour(address, this.#group.lans))
      .slice(0, ADDRESSES_MAX)
      .map(address => `${address}/p2p/${peer}`)
    if (addresses.length > 0) this.#events.seen(peer, addresses)
  }
}

/** Only the addresses that lie in that network, as many as fit; undefined where there is none. */
function encodeAnswers(answers: Answer[], lan: Lan, id = 0): Buffer | undefined {
  const fitting = answers.filter(answer => answer.type === 'PTR')
  const pointers = fitting.length
  for (const answer of answers) {
    const address = answer.type === 'TXT' ? textOf(answer.data) : ''
    if (!isNeighbour(address, [lan])) continue
    const more = [...fitting, answer]
    if (encode({ type: 'response', id, answers: more }).length > ANSWER_MAX_BYTES) break
    fitting.push(answer)
  }
  if (fitting.length === pointers) return undefined
  return encode({ type: 'response', flags: AUTHORITATIVE_ANSWER, id, answers: fitting })
}

/** The address in a record of libp2p's module. */
function textOf(data: unknown): string {
  return `${data}`.replace(/^dnsaddr=/, '')
}
