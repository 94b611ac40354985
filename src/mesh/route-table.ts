import {
  CLOCK_TOLERANCE_MS,
  type Fingerprint,
  fingerprintOf,
  fingerprintOfPeer,
  formatInstanceId,
  peerLabel,
  publicKeyOf,
  ROUTE_ADDRESSES_MAX,
  ROUTE_TTL_MS,
  type RouteRecord,
  skeletonOf
} from '../protocol/index.ts'
import { failure } from './guard.ts'
import type { Clock, Gauge, Log, Network, RouteEntry, Store } from './ports.ts'
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
  readonly #network: Pick<Network, 'dialable'>
  readonly #clock: Clock
  readonly #log: Log
  /** Each in the order of last contact, oldest first. Whom the owner named, and whom an open policy lets in: at most ROUTES_MAX together. */
  readonly #named = new Map<Fingerprint, RouteEntry>()
  readonly #open = new Map<Fingerprint, RouteEntry>()
  /** At most STRANGERS_MAX. */
  readonly #strangers = new Map<Fingerprint, RouteEntry>()
  /** Who is admitted and has a label, by its skeleton; made anew after a change. As many as `#named` and `#open`. */
  #labels: Map<string, Fingerprint[]> | undefined
  #savedMs = 0

  constructor(components: {
    store: Store
    trust: Trust
    network: Pick<Network, 'dialable'>
    clock: Clock
    log: Log
  }) {
    this.#store = components.store
    this.#trust = components.trust
    this.#network = components.network
    this.#clock = components.clock
    this.#log = components.log
    const stored = this.#store.routes.load().filter(entry => this.#holds(entry))
    this.#savedMs = this.#clock.wallMs()
    for (const entry of stored.toSorted(byAge)) this.#place(entry)
    this.#takeHints()
    this.#trust.onChange(instance => this.#sort(instance))
  }

  /** A connection to this peer was authenticated, at these addresses where any are known. */
  learn({ peer, label, addresses = [] }: { peer: string; label: string; addresses?: string[] }): void {
    const instance = fingerprintOf(publicKeyOf(peer))
    const known = this.byInstance(instance)
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
   *
   * @param how `near`: it came over a connection within the own network. From afar nobody names our neighbours (S-16).
   */
  learnRecord(record: RouteRecord, from: Fingerprint, { near = false }: { near?: boolean } = {}): boolean {
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
      addresses: merged(this.#network.dialable(record.addresses, near ? 'record' : 'stranger'), known?.addresses),
      seq: record.seq,
      lastSeenMs: nowMs
    })
    return true
  }

  /** Nobody knows any more where this instance is. */
  forget(instance: Fingerprint): void {
    this.#strangers.delete(instance)
    this.#labels = undefined
    if (this.#named.delete(instance) || this.#open.delete(instance)) this.#save()
  }

  byInstance(instance: Fingerprint): RouteEntry | undefined {
    return this.#named.get(instance) ?? this.#open.get(instance) ?? this.#strangers.get(instance)
  }

  /** Undefined also for a text that is no peer id. */
  byPeer(peer: string): RouteEntry | undefined {
    const instance = fingerprintOfPeer(peer)
    return instance === undefined ? undefined : this.byInstance(instance)
  }

  /** Whose label this could be taken for, of those who are admitted. */
  labelledLike(skeleton: string): Fingerprint[] {
    if (this.#labels === undefined) {
      this.#labels = new Map()
      for (const { instance, label } of this.#admitted()) {
        if (label === '') continue
        const key = skeletonOf(label)
        this.#labels.set(key, [...(this.#labels.get(key) ?? []), instance])
      }
    }
    return this.#labels.get(skeleton) ?? []
  }

  gauges(): Gauge[] {
    return [
      { name: 'routes', size: this.#named.size + this.#open.size, max: ROUTES_MAX },
      { name: 'routes of strangers', size: this.#strangers.size, max: STRANGERS_MAX }
    ]
  }

  /** Everybody known, admitted instances first. */
  entries(): RouteEntry[] {
    return [...this.#admitted(), ...this.#strangers.values()]
  }

  /**
   * What an earlier version knew is where to dial, not whom to trust: the instance is what the key of the peer makes it, and it stays a stranger in
   * memory until its owner's approval. What this version has met itself is newer.
   */
  #takeHints(): void {
    let admitted = false
    for (const hint of this.#store.routes.hints().toSorted(byAge)) {
      if (!owns(hint.peer, hint.instance) || this.byInstance(hint.instance) !== undefined) continue
      // Whoever shouted loudest wrote it there: no more than a record is worth.
      if (!this.#place({ ...hint, addresses: this.#network.dialable(hint.addresses, 'record') })) continue
      admitted = true
      this.#say(hint, admitted)
    }
    if (admitted) this.#save()
  }

  #keep(entry: RouteEntry): void {
    const known = this.byInstance(entry.instance)
    const admitted = this.#place(entry)
    if (known === undefined || known.label !== entry.label) this.#say(entry, admitted)
    const stale = entry.lastSeenMs - this.#savedMs >= LAST_SEEN_SAVE_MS
    if (admitted && (stale || differs(known, entry))) this.#save()
  }

  /** Puts the entry where its trust belongs, as the newest there. True when admitted. */
  #place(entry: RouteEntry): boolean {
    const own = this.#tableOf(entry.instance)
    const known = this.byInstance(entry.instance)
    if (known?.label !== entry.label || !own.has(entry.instance)) this.#labels = undefined
    for (const table of [this.#named, this.#open, this.#strangers]) table.delete(entry.instance)
    own.set(entry.instance, entry)
    if (this.#strangers.size > STRANGERS_MAX) dropOldest(this.#strangers)
    // A crowd that walks in through an open door pushes out its own kind first.
    if (this.#named.size + this.#open.size > ROUTES_MAX) {
      this.#labels = undefined
      dropOldest(this.#open.size > 0 ? this.#open : this.#named)
    }
    return own !== this.#strangers
  }

  #tableOf(instance: Fingerprint): Map<Fingerprint, RouteEntry> {
    if (!this.#trust.admitted(instance)) return this.#strangers
    return this.#trust.names(instance) ? this.#named : this.#open
  }

  #admitted(): RouteEntry[] {
    return [...this.#named.values(), ...this.#open.values()]
  }

  /** Trust changed: moves one entry, or all, between memory and file. */
  #sort(instance?: Fingerprint): void {
    const entries = instance === undefined ? this.entries() : [this.byInstance(instance)]
    let moved = false
    for (const entry of entries) {
      if (entry === undefined || this.#tableOf(entry.instance).has(entry.instance)) continue
      const known = !this.#strangers.has(entry.instance)
      const admitted = this.#place(entry)
      if (admitted && !known) this.#say(entry, admitted)
      moved = true
    }
    if (moved) this.#save()
    // The owner decided: where the peer is must not get lost with a crash in the next moments, as nobody else may know.
    if (moved && instance !== undefined) {
      this.#store.routes.flush().catch(error => this.#log.warn('Routes were not saved.', failure(error)))
    }
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
    this.#store.routes.save(this.#admitted())
  }
}

function dropOldest(table: Map<Fingerprint, RouteEntry>): void {
  const oldest = table.keys().next().value
  if (oldest !== undefined) table.delete(oldest)
}

/** Oldest first. */
function byAge(a: RouteEntry, b: RouteEntry): number {
  return a.lastSeenMs - b.lastSeenMs
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
