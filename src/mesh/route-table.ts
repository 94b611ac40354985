import {
  CLOCK_TOLERANCE_MS,
  type Fingerprint,
  fingerprintOf,
  formatInstanceId,
  ProtocolError,
  peerLabel,
  publicKeyOf,
  ROUTE_ADDRESSES_MAX,
  ROUTE_TTL_MS,
  type RouteRecord
} from '../protocol/index.ts'
import type { Clock, Log, RouteEntry, Store } from './ports.ts'
import type { Trust } from './trust.ts'

/** Strangers are remembered in memory only, the longest unseen goes first: enough for a busy LAN, nothing for a flood (S-03). */
export const STRANGERS_MAX = 256

/** Admitted instances on disk: a file of this many entries is read and written in milliseconds. */
export const ROUTES_MAX = 1_000

/** A later time of last contact alone is worth a write this long after the last one, ms: an announcement rewrites nothing (D-26). */
const LAST_SEEN_SAVE_MS = 10 * 60 * 1000

/**
 * Instance -> peer. It learns from authenticated links and from verified route records only, and every entry is checked by arithmetic: the
 * peer's key must hash to the instance. Admitted instances go through the store's route file, strangers stay in memory.
 */
export class RouteTable {
  readonly #store: Store
  readonly #trust: Trust
  readonly #clock: Clock
  readonly #log: Log
  /** In the order of last contact, oldest first. At most ROUTES_MAX. */
  readonly #admitted = new Map<Fingerprint, RouteEntry>()
  /** In the order of last contact, oldest first. At most STRANGERS_MAX. */
  readonly #strangers = new Map<Fingerprint, RouteEntry>()
  #savedMs = 0

  constructor(components: { store: Store; trust: Trust; clock: Clock; log: Log }) {
    this.#store = components.store
    this.#trust = components.trust
    this.#clock = components.clock
    this.#log = components.log
    const stored = this.#store.routes.load().filter(entry => this.#holds(entry))
    this.#savedMs = this.#clock.wallMs()
    for (const entry of stored.toSorted((a, b) => a.lastSeenMs - b.lastSeenMs)) this.#place(entry)
    this.#trust.onChange(instance => this.#sort(instance))
  }

  /** A link to this peer was authenticated, at this address where one is known. */
  learn({ peer, label, address }: { peer: string; label: string; address?: string }): void {
    const instance = fingerprintOf(publicKeyOf(peer))
    const known = this.byInstance(instance)
    const addresses = address === undefined ? [] : [address]
    this.#keep({
      instance,
      peer,
      label: peerLabel(label) || (known?.label ?? ''),
      addresses: merged(addresses, known?.addresses),
      seq: known?.seq ?? 0,
      lastSeenMs: this.#clock.wallMs()
    })
  }

  /**
   * Takes a route record that `from` signed, which the caller verified. False where it is another's, old, expired or too long-lived: then
   * nothing changed.
   */
  learnRecord(record: RouteRecord, from: Fingerprint): boolean {
    const nowMs = this.#clock.wallMs()
    const known = this.byInstance(from)
    const lifeMs = record.expiresMs - record.issuedMs
    if (!owns(record.peer, from) || record.seq <= (known?.seq ?? 0)) return false
    if (lifeMs <= 0 || lifeMs > ROUTE_TTL_MS) return false
    if (record.expiresMs + CLOCK_TOLERANCE_MS < nowMs || record.issuedMs - CLOCK_TOLERANCE_MS > nowMs) return false
    this.#keep({
      instance: from,
      peer: record.peer,
      label: peerLabel(record.label) || (known?.label ?? ''),
      addresses: merged(record.addresses, known?.addresses),
      seq: record.seq,
      lastSeenMs: nowMs
    })
    return true
  }

  byInstance(instance: Fingerprint): RouteEntry | undefined {
    return this.#admitted.get(instance) ?? this.#strangers.get(instance)
  }

  /** Undefined also for a text that is no peer id. */
  byPeer(peer: string): RouteEntry | undefined {
    const instance = fingerprintOfPeer(peer)
    return instance === undefined ? undefined : this.byInstance(instance)
  }

  /** Everybody known, admitted instances first. */
  entries(): RouteEntry[] {
    return [...this.#admitted.values(), ...this.#strangers.values()]
  }

  #keep(entry: RouteEntry): void {
    const known = this.byInstance(entry.instance)
    const admitted = this.#place(entry)
    if (known === undefined || known.label !== entry.label) this.#say(entry, admitted)
    const stale = entry.lastSeenMs - this.#savedMs >= LAST_SEEN_SAVE_MS
    if (admitted && (stale || differs(known, entry))) this.#save()
  }

  /** Puts the entry where its trust belongs, as the newest there, and drops the oldest beyond the cap. True when admitted. */
  #place(entry: RouteEntry): boolean {
    const admitted = this.#trust.admitted(entry.instance)
    const [own, other, cap] = admitted
      ? [this.#admitted, this.#strangers, ROUTES_MAX]
      : [this.#strangers, this.#admitted, STRANGERS_MAX]
    other.delete(entry.instance)
    own.delete(entry.instance)
    own.set(entry.instance, entry)
    const oldest = own.keys().next().value
    if (own.size > cap && oldest !== undefined) own.delete(oldest)
    return admitted
  }

  /** Trust changed: moves one entry, or all, between memory and file. */
  #sort(instance?: Fingerprint): void {
    const entries = instance === undefined ? this.entries() : [this.byInstance(instance)]
    let moved = false
    for (const entry of entries) {
      if (entry === undefined || this.#trust.admitted(entry.instance) === this.#admitted.has(entry.instance)) continue
      const admitted = this.#place(entry)
      if (admitted) this.#say(entry, admitted)
      moved = true
    }
    if (moved) this.#save()
  }

  #holds(entry: RouteEntry): boolean {
    const good = owns(entry.peer, entry.instance)
    if (!good) this.#log.warn('A route in the file was dropped: the peer does not own the instance.')
    return good && this.#trust.admitted(entry.instance)
  }

  #say(entry: RouteEntry, admitted: boolean): void {
    const line = `Instance mapping updated: ${formatInstanceId(entry.label, entry.instance)} -> ${entry.peer}`
    // Strangers come and go at their own will; they do not fill the owner's log.
    if (admitted) this.#log.info(line)
    else this.#log.debug(line)
  }

  #save(): void {
    this.#savedMs = this.#clock.wallMs()
    this.#store.routes.save([...this.#admitted.values()])
  }
}

function merged(first: string[], rest: string[] = []): string[] {
  return [...new Set([...first, ...rest])].slice(0, ROUTE_ADDRESSES_MAX)
}

/** Whether the file would tell something else, the time of last contact apart. */
function differs(known: RouteEntry | undefined, entry: RouteEntry): boolean {
  return (
    known === undefined ||
    known.label !== entry.label ||
    known.seq !== entry.seq ||
    known.addresses.length !== entry.addresses.length ||
    known.addresses.some((address, index) => address !== entry.addresses[index])
  )
}

function owns(peer: string, instance: Fingerprint): boolean {
  return fingerprintOfPeer(peer) === instance
}

function fingerprintOfPeer(peer: string): Fingerprint | undefined {
  try {
    return fingerprintOf(publicKeyOf(peer))
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
