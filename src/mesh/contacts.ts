import {
  type Fingerprint,
  fingerprintOf,
  formatInstanceId,
  hostOf,
  type PairAnswer,
  type PairBody,
  publicKeyOf,
  refusing,
  safe,
  skeletonOf
} from '../protocol/index.ts'
import { failure } from './guard.ts'
import { isoOf } from './iso.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { Clock, Log, Network, Store } from './ports.ts'
import type { ContactReport } from './requests.ts'
import { folded } from './resolve.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import type { Trust } from './trust.ts'

/** The owner is told of strangers that ask at most this often; all of them stand in the list. */
const NOTICE_PAUSE_MS = 10 * 60 * 1000

/** A request that nobody decided on, and the memory of one that was rejected, end after this. */
export const CONTACT_KEPT_MS = 7 * 24 * 60 * 60 * 1000

export interface ContactsComponents {
  network: Network
  store: Store
  clock: Clock
  log: Log
  trust: Trust
  routes: RouteTable
  notices: OwnerNotices
}

/** Wishes of strangers to be let in, without a ticket; and the list of all that are open, ours among them. The key that asked is the one that is approved. */
export class Contacts {
  readonly #components: ContactsComponents
  readonly #label: () => string
  readonly #program: string

  /** @param init `program` starts the command lines that the owner is told to run. */
  constructor(components: ContactsComponents, init: { label: () => string; program: string }) {
    this.#components = components
    this.#label = init.label
    this.#program = init.program
  }

  /** A stranger asks to be let in. */
  asked(peer: string, address: string, { label, purpose }: Extract<PairBody, { kind: 'contact' }>): PairAnswer {
    const { store, clock, trust, routes, notices } = this.#components
    const instance = fingerprintOf(publicKeyOf(peer))
    const level = trust.levelOf(instance)
    if (level === 'blocked') return refusing('blocked')
    if (trust.admitted(instance)) return { accepted: true, reason: 'none', label: this.#label() }
    if (!trust.takesRequests) return refusing('requests_off')
    const known = store.contacts.get(instance, 'incoming')
    if (known?.state === 'rejected' && clock.wallMs() - known.createdMs < CONTACT_KEPT_MS)
      return refusing('not_admitted')
    store.contacts.prune(clock.wallMs() - CONTACT_KEPT_MS)
    routes.learn({ peer, label })
    store.contacts.put({
      instance,
      direction: 'incoming',
      peer,
      label,
      purpose,
      address: hostOf(address),
      createdMs: clock.wallMs(),
      state: 'pending'
    })
    if (known === undefined) {
      notices.tell({
        subject: 'contact requests',
        pauseMs: NOTICE_PAUSE_MS,
        // No word of a stranger, and no command that would let one in: who asks stands in the list.
        text: () => `${askingText(store.contacts.pending('incoming').length)}; see: ${this.#program} requests`
      })
    }
    return refusing('pending')
  }

  /** Open requests, oldest first. */
  list(): ContactReport[] {
    const { store, trust, routes } = this.#components
    return (['incoming', 'outgoing'] as const).flatMap(direction =>
      store.contacts.pending(direction).map(({ instance, peer, label, purpose, createdMs }) => {
        const known = senderOf(instance, peer, { trust, routes })
        // Strangers are in no table that outlives a restart; the request itself holds what this one calls itself.
        const own = label !== '' && (routes.byInstance(instance)?.label ?? '') === ''
        return {
          direction,
          instanceId: own ? formatInstanceId(label, instance) : known.instanceId,
          peerId: peer,
          name: own && known.name === instance ? safe(label) : known.name,
          purpose: safe(purpose),
          askedAt: isoOf(createdMs)
        }
      })
    )
  }

  /** Whose key asked or was asked: strangers are in no table that outlives a restart. */
  peerOf(instance: Fingerprint): string | undefined {
    const { contacts } = this.#components.store
    return (contacts.get(instance, 'incoming') ?? contacts.get(instance, 'outgoing'))?.peer
  }

  /** Who asks to be let in under this label, and then also under one that could be taken for it. */
  askedAs(label: string): Array<{ instance: Fingerprint; peer: string; instanceId: string }> {
    const rows = this.#components.store.contacts.pending('incoming').filter(row => row.label !== '')
    const wanted = folded(label)
    if (!rows.some(row => folded(row.label) === wanted)) return []
    return rows
      .filter(row => skeletonOf(row.label) === skeletonOf(wanted))
      .map(row => ({ instance: row.instance, peer: row.peer, instanceId: formatInstanceId(row.label, row.instance) }))
  }

  /** The owner says no: nothing stays but a bounded memory, so that asking again is of no use. False where nobody asks. */
  reject(instance: Fingerprint): boolean {
    const { store, clock } = this.#components
    return store.contacts.reject(instance, clock.wallMs()) !== undefined
  }

  /**
   * The owner let it in: its request is done, in the transaction that says so. A wish of ours to be let in there goes on. What it returns, to be called
   * after that, tells it where it is connected.
   */
  settle(instance: Fingerprint): () => void {
    const { store, network, log } = this.#components
    const row = store.contacts.get(instance, 'incoming')
    store.contacts.delete(instance, 'incoming')
    if (row?.state !== 'pending') return () => undefined
    // Who is away asks again when it comes back.
    return () => {
      network
        .ask(row.peer, [], { kind: 'approved' })
        .catch(error => log.debug('An approval could not be told.', { peer: row.peer, ...failure(error) }))
    }
  }

  /** Without a trace. */
  forget(instance: Fingerprint): void {
    this.#components.store.contacts.delete(instance, 'incoming')
  }
}

function askingText(count: number): string {
  return count === 1 ? '1 instance asks to be let in' : `${count} instances ask to be let in`
}
