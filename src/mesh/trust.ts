import {
  type Fingerprint,
  fingerprintOf,
  fingerprintOfPeer,
  ProtocolError,
  parseInstanceId,
  publicKeyOf,
  safe
} from '../protocol/index.ts'
import { MeshError } from './errors.ts'
import { guarded } from './guard.ts'
import type { Clock, Log, Store, TrustLevel, TrustRecord } from './ports.ts'

/** The owner's settings that decide about instances without a record. */
export interface TrustPolicy {
  dmPolicy: 'pairing' | 'allowlist' | 'open' | 'disabled'
  /** Instance ids, fingerprints, peer ids, or `*`, which counts with `open` only. */
  allowFrom: string[]
}

export interface TrustChange {
  level: TrustLevel
  /** Whose key proves the instance. Added to those known already. */
  peer?: string
  petname?: string
  how: TrustRecord['how']
}

/** No instance: the policy changed, everybody may stand differently now. */
export type TrustListener = (instance?: Fingerprint) => void

/** Compare-and-set loses only to another writer of this process: a second loss in a row is a fault, and the third try says so. */
const SET_TRIES = 3

/** Route table, presence, links and a few to come. More is a listener that nobody takes away. */
const LISTENERS_MAX = 16

/** Entries of `allowFrom` that are named in the issues one by one. */
const WRONG_MAX = 8

/** Rotation keeps a handful of keys per instance. */
const PEERS_PER_INSTANCE_MAX = 8

/**
 * Who may speak to this instance, and how far. One record per instance; precedence, first match wins: a block or tombstone, the policy
 * `disabled`, the own record, `allowFrom`, the policy `open` with `*`. Everybody else is unknown.
 */
export class Trust {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log
  readonly #listeners = new Set<TrustListener>()
  #policy: TrustPolicy
  /** Instances that `allowFrom` names, with the peer id where it gave one. Bounded by the settings. */
  #allowed: Map<Fingerprint, string | undefined>

  constructor(components: { store: Store; clock: Clock; log: Log }, init: TrustPolicy) {
    this.#store = components.store
    this.#clock = components.clock
    this.#log = components.log
    this.#policy = init
    this.#allowed = this.#parse(init.allowFrom)
  }

  levelOf(instance: Fingerprint): TrustLevel {
    const record = this.#store.trust.get(instance)
    if (record?.level === 'blocked') return 'blocked'
    if (record?.tombstone === true || this.#policy.dmPolicy === 'disabled') return 'unknown'
    if (record !== undefined) return record.level
    if (this.#allowed.has(instance)) return 'paired'
    return this.#policy.dmPolicy === 'open' && this.#policy.allowFrom.includes('*') ? 'paired' : 'unknown'
  }

  admitted(instance: Fingerprint): boolean {
    const level = this.levelOf(instance)
    return level === 'paired' || level === 'trusted'
  }

  /** Whether the owner named this instance, in a record or in `allowFrom`. */
  names(instance: Fingerprint): boolean {
    const record = this.#store.trust.get(instance)
    return record === undefined ? this.#allowed.has(instance) : !record.tombstone
  }

  /** What the owner's settings say in vain. */
  issues(): string[] {
    const { dmPolicy, allowFrom } = this.#policy
    const nobody = allowFrom.filter(entry => entry !== '*' && instanceOf(entry) === undefined).slice(0, WRONG_MAX)
    return [
      ...(dmPolicy !== 'open' && allowFrom.includes('*')
        ? [`allowFrom has "*", which lets nobody in while dmPolicy is "${dmPolicy}".`]
        : []),
      ...nobody.map(
        entry => `allowFrom has "${safe(entry)}", which is no id of a peer or an instance: is a letter wrong?`
      )
    ]
  }

  petnameOf(instance: Fingerprint): string | undefined {
    return this.#store.trust.get(instance)?.petname
  }

  /** A peer id whose key proves this instance, as far as the owner's words give one. */
  peerOf(instance: Fingerprint): string | undefined {
    return this.#store.trust.get(instance)?.peers[0] ?? this.#allowed.get(instance)
  }

  all(): TrustRecord[] {
    return this.#store.trust.all()
  }

  /**
   * Writes what the owner decided. A tombstone gives way to the owner's own word only, never to settings or to the host's list.
   *
   * @throws {MeshError} `bad_request` when the peer's key is not this instance's, `store_failed` when others keep writing the record.
   */
  set(instance: Fingerprint, change: TrustChange): TrustRecord {
    if (change.peer !== undefined && fingerprintOf(publicKeyOf(change.peer)) !== instance) {
      throw new MeshError('bad_request', { detail: 'the peer id does not own this instance', peer: instance })
    }
    for (let tries = 0; tries < SET_TRIES; tries++) {
      const before = this.#store.trust.get(instance)
      if (before?.tombstone === true && (change.how === 'settings' || change.how === 'host')) return before
      const stored = this.#store.trust.put(this.#next(instance, before, change))
      if (stored === undefined) continue
      this.#log.info('Trust changed.', {
        instance,
        before: before?.level ?? 'unknown',
        level: stored.level,
        how: stored.how
      })
      this.#tell(instance)
      return stored
    }
    throw new MeshError('store_failed', { retryable: true, detail: 'the trust record keeps changing', peer: instance })
  }

  /** New settings, in force at once. */
  update(policy: TrustPolicy): void {
    this.#allowed = this.#parse(policy.allowFrom)
    this.#policy = policy
    this.#tell()
  }

  /** Called after each change. Returns what takes the listener away again. */
  onChange(listener: TrustListener): () => void {
    if (this.#listeners.size >= LISTENERS_MAX) throw new MeshError('internal', { detail: 'too many trust listeners' })
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #next(instance: Fingerprint, before: TrustRecord | undefined, change: TrustChange): TrustRecord {
    const peers = [...new Set([...(change.peer === undefined ? [] : [change.peer]), ...(before?.peers ?? [])])]
    const petname = change.petname ?? before?.petname
    const same = before?.level === change.level && !before.tombstone
    return {
      instance,
      peers: peers.slice(0, PEERS_PER_INSTANCE_MAX),
      level: change.level,
      ...(petname !== undefined && { petname }),
      sinceMs: same ? before.sinceMs : this.#clock.wallMs(),
      how: change.how,
      revision: before?.revision ?? 0,
      tombstone: false
    }
  }

  #parse(allowFrom: string[]): Map<Fingerprint, string | undefined> {
    const allowed = new Map<Fingerprint, string | undefined>()
    for (const entry of allowFrom) {
      const found = entry === '*' ? undefined : instanceOf(entry)
      if (found !== undefined) allowed.set(found.instance, found.peer ?? allowed.get(found.instance))
    }
    return allowed
  }

  #tell(instance?: Fingerprint): void {
    for (const listener of this.#listeners) guarded(this.#log, 'A trust listener', () => listener(instance))
  }
}

/** Reads a peer id or an instance id; undefined where the text is neither. */
export function instanceOf(text: string): { instance: Fingerprint; peer?: string } | undefined {
  const peer = text.trim()
  const owner = fingerprintOfPeer(peer)
  if (owner !== undefined) return { instance: owner, peer }
  try {
    return { instance: parseInstanceId(text).fingerprint }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
