import type { networkInterfaces } from 'node:os'
import type { IdentifyResult, Libp2pEvents } from '@libp2p/interface'
import type { Clock, Gauge, Netcheck } from '../mesh/ports.ts'
import { DialledPorts } from './nat-mapping-ports.ts'
import { placeOf } from './reach.ts'

/** Networks that told how they see us: two are enough, a few more show that it stays so. */
const TELLERS_MAX = 16

/** A router gets another address now and then, and a laptop another router. */
const SIGHT_MS = 3_600_000

/** Tellers that see something else than the rest: one may be mistaken, or lie. */
const DEVIATING_MIN = 2

/** How somebody saw a connection of ours, and the port that it came from here. */
interface Sight {
  host: string
  port: number
  ownPort: number | undefined
  seenMs: number
}

/** What is needed of libp2p's events. */
interface Events {
  addEventListener(type: 'peer:identify', listener: (event: Libp2pEvents['peer:identify']) => void): void
}

/** What the router makes of our connections, by what identify of those whom we dialled says about where we come from. */
export class NatMapping {
  readonly #interfaces: typeof networkInterfaces
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #ports = new DialledPorts()
  /** By the host that told, the latest last. At most TELLERS_MAX. */
  readonly #sights = new Map<string, Sight>()

  constructor(components: { interfaces: typeof networkInterfaces; clock: Pick<Clock, 'monotonicMs'> }) {
    this.#clock = components.clock
    this.#interfaces = components.interfaces
  }

  /** The libp2p service that listens for it. */
  services(): { natMapping: (parts: { events: Events }) => unknown } {
    return {
      natMapping: ({ events }) => {
        events.addEventListener('peer:identify', event => this.heard(event.detail))
        return { start: () => this.#ports.start(), stop: () => this.#ports.stop() }
      }
    }
  }

  /** Only for who is elsewhere on the internet and was dialled: who dials us sees the address that it dialled. */
  heard({ connection, observedAddr }: Pick<IdentifyResult, 'connection' | 'observedAddr'>): void {
    const teller = placeOf(connection.remoteAddr.toString())
    const seen = observedAddr === undefined ? undefined : placeOf(observedAddr.toString())
    if (connection.direction !== 'outbound' || teller?.reach !== 'global' || teller.relayed) return
    if (teller.port === undefined || seen?.port === undefined || seen.reach !== 'global' || seen.relayed) return
    const ownPort = this.#ports.portTo(teller.host, teller.port)
    const seenMs = this.#clock.monotonicMs()
    this.#sights.delete(teller.host)
    this.#sights.set(teller.host, { host: seen.host, port: seen.port, ownPort, seenMs })
    const [oldest] = this.#sights.keys()
    if (this.#sights.size > TELLERS_MAX && oldest !== undefined) this.#sights.delete(oldest)
  }

  /** This machine is in another network. */
  forget(): void {
    this.#sights.clear()
  }

  state(): Netcheck['natMapping'] {
    const now = this.#clock.monotonicMs()
    const sights = [...this.#sights.values()].filter(({ seenMs }) => now - seenMs < SIGHT_MS)
    const own = Object.values(this.#interfaces()).flatMap((infos = []) => infos.map(({ address }) => address))
    const seen = [
      ...new Set(sights.map(({ host, port }) => `/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${port}`))
    ]
    return { kind: kindOf(sights, own), seen }
  }

  gauges(): Gauge[] {
    return [{ name: 'who told our address', size: this.#sights.size, max: TELLERS_MAX }, ...this.#ports.gauges()]
  }
}

/** Each connection comes from another port here, so ports outside can only be compared where they are kept or all the same. */
function kindOf(sights: readonly Sight[], own: readonly string[]): Netcheck['natMapping']['kind'] {
  const [first] = sights
  if (first === undefined) return 'unknown'
  if (sights.every(({ host }) => own.includes(host))) return 'none'
  if (sights.length < 2) return 'unknown'
  const alike = mostAlike(sights, ({ host }) => host)
  if (sights.length - alike.length >= DEVIATING_MIN) return 'different'
  if (alike.length < 2) return 'unknown'
  if (alike.length - mostAlike(alike, ({ port }) => `${port}`).length < DEVIATING_MIN && alike.length > 2) return 'same'
  if (alike.every(({ port }) => port === alike[0]?.port)) return 'same'
  if (alike.some(({ ownPort }) => ownPort === undefined)) return 'unknown'
  const moved = alike.filter(({ port, ownPort }) => port !== ownPort).length
  if (moved >= DEVIATING_MIN) return 'different'
  return alike.length - moved >= 2 ? 'same' : 'unknown'
}

/** Those that have in common what most have in common. */
function mostAlike(sights: readonly Sight[], trait: (sight: Sight) => string): Sight[] {
  const groups = Object.values(Object.groupBy(sights, trait)).flatMap(group => (group === undefined ? [] : [group]))
  return groups.toSorted((one, other) => other.length - one.length)[0] ?? []
}
