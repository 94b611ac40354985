import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type CircuitRelayServerComponents,
  type CircuitRelayService,
  circuitRelayServer,
  RELAY_V2_STOP_CODEC
} from '@libp2p/circuit-relay-v2'
import type { Connection, Libp2pEvents, PeerId, Stream, StreamHandler, TypedEventTarget } from '@libp2p/interface'
import type { Clock, Gauge, Log, RelayUsage } from '../mesh/ports.ts'
import { hostOf } from '../protocol/index.ts'
import { peerIdOf } from './dialler.ts'
import { pathOfAddress } from './paths.ts'
import { isPublic } from './public-addresses.ts'
import { placeOf } from './reach.ts'
import { Circuit } from './relay-server-circuit.ts'
import { GATEWAY_RELAY_LIMITS, type RelayLimits } from './relay-server-limits.ts'
import { type Charged, RelayMeter } from './relay-server-meter.ts'
import { ENDINGS, type RelayEvent, type RelayRefusal } from './relay-server-report.ts'
import { refuseReservations } from './relay-server-store.ts'

/** A request has this long from its first byte to its answer; the peer that is called is asked within it too. */
const HOP_TIMEOUT_MS = 15_000

/** Requests of one connection at once: its circuits as a dialler, each of which keeps its stream, and some reservations. */
const HOP_STREAMS_SPARE = 8

/** For an answer to arrive before its stream is taken away. */
const ANSWERED_MS = 5_000

/** Whoever is shut out loses its reservation and its circuits within this. */
const REVIEW_MS = 1_000

export interface RelayServerInit {
  /** Whom this relay carries for: who may hold a reservation. Anybody may be connected to a peer that holds one. */
  carries(peer: string): boolean
  /** @default GATEWAY_RELAY_LIMITS */
  limits?: RelayLimits
  onEvent?: (event: RelayEvent) => void
}

type RelayParts = CircuitRelayServerComponents & { events: TypedEventTarget<Libp2pEvents> }

/** One request of a peer: libp2p's relay asks and dials on its behalf, in its asynchronous context. */
interface Call {
  stream: Stream
  connection: Connection
  circuit?: Circuit
}

/**
 * libp2p's relay with doors of ours around it. It hands out reservations to everybody, keeps those of peers that are gone for hours, counts nothing over
 * time, and ends a reservation that was renewed twice too early, with everything that runs over it. Here a reservation ends with its peer and not before
 * its time, every circuit is counted for both of its ends, and who is shut out loses both (S-14).
 */
export class RelayServer {
  readonly #log: Log
  readonly #init: RelayServerInit
  readonly #limits: RelayLimits
  readonly #meter: RelayMeter
  readonly #calls = new AsyncLocalStorage<Call>()
  /** Reservations with the host that each came from. At most `limits.reservations`. */
  readonly #held = new Map<string, { host: string; timer: NodeJS.Timeout }>()
  /** At most `limits.circuits`. */
  readonly #circuits = new Set<Circuit>()
  readonly #refused = { reservations: 0, circuits: 0 }
  #service: CircuitRelayService | undefined
  #review: NodeJS.Timeout | undefined

  constructor({ log, clock }: { log: Log; clock: Pick<Clock, 'wallMs'> }, init: RelayServerInit) {
    this.#log = log
    this.#init = init
    this.#limits = init.limits ?? GATEWAY_RELAY_LIMITS
    this.#meter = new RelayMeter({ clock }, this.#limits)
  }

  /** The libp2p service. */
  service(parts: RelayParts): CircuitRelayService {
    const { registrar, connectionManager, connectionGater, addressManager, events } = parts
    const { peerId, privateKey, peerStore, logger } = parts
    const onDisconnect = ({ detail }: CustomEvent<PeerId>): void => this.#end(detail.toString(), 'gone')
    const service = circuitRelayServer({
      hopTimeout: HOP_TIMEOUT_MS,
      maxInboundHopStreams: this.#limits.circuitsPerDialler + HOP_STREAMS_SPARE,
      maxOutboundStopStreams: this.#limits.circuitsPerHolder,
      // A circuit without libp2p's limits is a connection like any other to both of its ends; ours are counted here. `#refusesReservation` counts too.
      reservations: {
        applyDefaultLimit: false,
        maxReservations: Number.POSITIVE_INFINITY,
        reservationTtl: this.#limits.reservationMs
      }
    })({
      peerId,
      privateKey,
      peerStore,
      logger,
      registrar: Object.create(registrar, {
        handle: {
          value: (protocol: string, handler: StreamHandler, options: object) => {
            events.addEventListener('peer:disconnect', onDisconnect)
            this.#review = setInterval(() => this.#reviewAll(), REVIEW_MS).unref()
            return registrar.handle(protocol, this.#watched(handler, parts), options)
          }
        },
        unhandle: {
          value: (protocol: string) => {
            events.removeEventListener('peer:disconnect', onDisconnect)
            this.#stop()
            return registrar.unhandle(protocol)
          }
        }
      }),
      connectionGater: Object.create(connectionGater, {
        denyInboundRelayReservation: { value: (peer: PeerId) => this.#shutsOut(peer.toString()) },
        denyOutboundRelayedConnection: {
          value: (from: PeerId, to: PeerId) => this.#refusesCircuit(from.toString(), to.toString())
        }
      }),
      connectionManager: Object.create(connectionManager, {
        // The newest first: one that died without a word looks open for a while yet.
        getConnections: {
          value: (peer: PeerId) =>
            connectionManager
              .getConnections(peer)
              .filter(({ status, remoteAddr }) => status === 'open' && pathOfAddress(`${remoteAddr}`) !== 'relayed')
              .toReversed()
              .map(connection => this.#joining(connection))
        }
      }),
      addressManager: Object.create(addressManager, {
        getAddresses: { value: () => addressManager.getAddresses().filter(address => this.#tells(`${address}`)) }
      })
    })
    this.#own(service.reservations)
    refuseReservations(service, peer => this.#refusesReservation(peer.toString()))
    this.#service = service
    return service
  }

  usage(): RelayUsage {
    return {
      reservations: { used: this.#held.size, max: this.#limits.reservations },
      circuits: this.#circuits.size,
      today: this.#meter.today(peer => !this.#init.carries(peer)),
      refused: { ...this.#refused }
    }
  }

  /** Whether this peer holds a reservation. */
  holds(peer: string): boolean {
    return this.#held.has(peer)
  }

  gauges(): Gauge[] {
    return [
      { name: 'reservations', size: this.#held.size, max: this.#limits.reservations },
      { name: 'relayed connections', size: this.#circuits.size, max: this.#limits.circuits },
      ...this.#meter.gauges()
    ]
  }

  /** A reservation lasts by a timer of ours: libp2p's own, once it was renewed twice, still fires at the end of the first renewal. */
  #own(reservations: CircuitRelayService['reservations']): void {
    const set = reservations.set.bind(reservations)
    const remove = reservations.delete.bind(reservations)
    reservations.set = (id, reservation) => {
      reservation.signal.clear()
      reservation.signal.reset = () => undefined
      set(id, reservation)
      const peer = id.toString()
      const host = hostOf(`${reservation.addr}`)
      const timer = setTimeout(() => this.#end(peer, 'expired'), this.#limits.reservationMs).unref()
      clearTimeout(this.#held.get(peer)?.timer)
      this.#held.set(peer, { host, timer })
    }
    reservations.delete = id => {
      const peer = id.toString()
      clearTimeout(this.#held.get(peer)?.timer)
      this.#held.delete(peer)
      return remove(id)
    }
  }

  /** Runs a request where its parts find each other, and puts in order what it leaves behind. */
  #watched(handler: StreamHandler, { connectionManager }: RelayParts): StreamHandler {
    return async (stream, connection) => {
      const peer = connection.remotePeer
      const before = this.#held.get(peer.toString())
      const call: Call = { stream, connection }
      try {
        await this.#calls.run(call, async () => await handler(stream, connection))
      } finally {
        if (call.circuit?.carries === false) call.circuit.cut()
        else if (call.circuit === undefined) dismiss(stream)
        const after = this.#held.get(peer.toString())
        // It may have gone while it was given its slot.
        if (after !== undefined && connectionManager.getConnections(peer).length === 0)
          this.#end(peer.toString(), 'gone')
        else if (after !== undefined && after !== before) this.#made(peer.toString(), before !== undefined)
      }
    }
  }

  #made(peer: string, renewed: boolean): void {
    this.#log.debug(renewed ? 'reservation renewed' : 'reservation made', { peer })
    this.#init.onEvent?.({ event: 'reservation', peer, state: renewed ? 'renewed' : 'made' })
  }

  #shutsOut(peer: string): boolean {
    return !this.#init.carries(peer) && this.#refuse(peer, 'not admitted')
  }

  #refusesReservation(peer: string): boolean {
    const reason = this.#reservationRefusal(peer)
    return reason !== undefined && this.#refuse(peer, reason)
  }

  #refuse(peer: string, reason: RelayRefusal): true {
    this.#refused.reservations++
    this.#log.debug('reservation refused', { peer, reason })
    this.#init.onEvent?.({ event: 'refused', what: 'reservation', peer, reason })
    return true
  }

  #reservationRefusal(peer: string): RelayRefusal | undefined {
    if (this.#meter.exhausted(peer)) return 'holder'
    if (this.#held.has(peer)) return undefined
    const address = this.#calls.getStore()?.connection.remoteAddr
    const host = hostOf(`${address}`)
    const near = [...this.#held.values()].filter(held => held.host === host).length
    const { reservations, reservationsPerHost } = this.#limits
    return this.#held.size >= reservations || near >= reservationsPerHost ? 'full' : undefined
  }

  #refusesCircuit(dialler: string, holder: string): boolean {
    const call = this.#calls.getStore()
    const host = hostOf(`${call?.connection.remoteAddr}`)
    const ends = { dialler, holder, stranger: !this.#init.carries(dialler), host }
    const reason = this.#circuitRefusal(ends)
    if (reason !== undefined || call === undefined) {
      this.#refused.circuits++
      this.#log.debug('circuit refused', { peer: dialler, holder, reason })
      if (reason !== undefined)
        this.#init.onEvent?.({ event: 'refused', what: 'circuit', peer: dialler, holder, reason })
      return true
    }
    call.circuit = new Circuit(call.stream, {
      ...ends,
      charge: bytes => this.#meter.charge(ends, bytes),
      onEnd: circuit => this.#onEnd(circuit)
    })
    this.#circuits.add(call.circuit)
    return false
  }

  #circuitRefusal(ends: Charged & { host: string }): RelayRefusal | undefined {
    // A holder that was shut out a moment ago.
    if (!this.#init.carries(ends.holder)) return 'no reservation'
    return this.#hasRoom(ends) ? this.#meter.spent(ends) : 'full'
  }

  #hasRoom(ends: Charged & { host: string }): boolean {
    const { circuits, circuitsPerHost, circuitsPerHolder, circuitsPerDialler } = this.#limits
    const { circuitsOfStrangers, strangersPerHolder } = this.#limits
    const open = [...this.#circuits]
    const strangers = open.filter(({ stranger }) => stranger)
    const toHolder = (circuit: Circuit): boolean => circuit.holder === ends.holder
    if (ends.stranger && strangers.length >= circuitsOfStrangers) return false
    if (ends.stranger && strangers.filter(toHolder).length >= strangersPerHolder) return false
    return (
      open.length < circuits &&
      open.filter(toHolder).length < circuitsPerHolder &&
      open.filter(({ dialler }) => dialler === ends.dialler).length < circuitsPerDialler &&
      open.filter(({ host }) => host === ends.host).length < circuitsPerHost
    )
  }

  /** A connection to a holder whose way for a circuit becomes the second half of the circuit. */
  #joining(connection: Connection): Connection {
    const newStream: Connection['newStream'] = async (protocol, options) => {
      const stream = await connection.newStream(protocol, options)
      if (protocol === RELAY_V2_STOP_CODEC) this.#calls.getStore()?.circuit?.join(stream)
      return stream
    }
    return Object.create(connection, { newStream: { value: newStream } })
  }

  #onEnd(circuit: Circuit): void {
    this.#circuits.delete(circuit)
    const { dialler: peer, holder, bytes, ended: reason } = circuit
    this.#log.debug('circuit ended', { peer, holder, bytes, reason })
    if (this.#meter.exhausted(holder)) this.#end(holder, 'spent')
    if (reason === undefined) return
    this.#log.info('ended a relayed connection', { peer, holder, bytes, reason: ENDINGS[reason] })
    this.#init.onEvent?.({ event: 'circuit', state: 'ended', peer, holder, bytes, reason })
  }

  /** Whether the answer to a reservation may name this address of ours: those of the network that we share with who asks, and what is public (S-29). */
  #tells(address: string): boolean {
    if (isPublic(address)) return true
    const remote = placeOf(`${this.#calls.getStore()?.connection.remoteAddr}`)?.reach
    if (remote === 'loopback') return true
    return remote === 'private' && placeOf(address)?.reach === 'private'
  }

  #reviewAll(): void {
    for (const peer of this.#held.keys()) if (!this.#init.carries(peer)) this.#end(peer, 'revoked')
    for (const circuit of this.#circuits) {
      const carried = this.#init.carries(circuit.holder) && (circuit.stranger || this.#init.carries(circuit.dialler))
      if (!carried) circuit.cut('revoked')
    }
  }

  #end(peer: string, reason: 'gone' | 'expired' | 'revoked' | 'spent'): void {
    if (!this.#held.has(peer)) return
    this.#service?.reservations.delete(peerIdOf(peer))
    this.#log.debug('reservation ended', { peer, reason })
    this.#init.onEvent?.({ event: 'reservation', peer, state: 'ended', reason })
  }

  #stop(): void {
    clearInterval(this.#review)
    for (const { timer } of this.#held.values()) clearTimeout(timer)
    this.#held.clear()
    for (const circuit of this.#circuits) circuit.cut()
  }
}

/** libp2p leaves the stream of a request open that it refused, and a peer has few of them. */
function dismiss(stream: Stream): void {
  const gone = (): void => stream.abort(new Error('the request was answered'))
  stream.close().catch(gone)
  setTimeout(gone, ANSWERED_MS).unref()
}
