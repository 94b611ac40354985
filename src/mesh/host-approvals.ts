import { hashOf, toHex } from '../protocol/index.ts'
import type { Contacts } from './contacts.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { ContactRow, Store } from './ports.ts'
import type { ContactReport } from './requests.ts'
import { instanceOf, type Trust } from './trust.ts'

/** What stands before the name of a request in the host's lists. No peer id or instance id starts like this. */
const REQUEST_PREFIX = 'request-'

/** 64 bits: there are 64 open requests at most. */
const REQUEST_ID_CHARS = 16

/** Requests that were let in here by their approval at the host: as many as can be open at once, newest last. */
const APPLIED_KEY = 'host-approvals'
const APPLIED_MAX = 64

/** Where the store keeps the epoch in which the list of the host was last found without entries of another one. */
const EPOCH_KEY = 'hostApprovals.epoch'

/** One notice of a stale approval: the host hands it over until it has forgotten it. */
const STALE_PAUSE_MS = 24 * 60 * 60 * 1000

/** A request of a stranger that waits for its owner, under the name that the host's own queue knows it by. */
export type OpenRequest = Pick<ContactReport, 'instanceId' | 'purpose'> & { id: string }

export interface HostRound {
  /** What waits here, oldest first. */
  open: OpenRequest[]
  /** Entries of the host's list that have done their work, whatever it was; the host forgets them. */
  done: string[]
}

export interface HostApprovalsComponents {
  store: Store
  trust: Trust
  contacts: Contacts
  notices: OwnerNotices
}

/**
 * Approvals that the owner gave in the host's own list. Each becomes a record of ours, or nothing, and then leaves that list: what a list of another
 * program says later, after a backup perhaps, never brings anybody back.
 *
 * A request is known there by a name that means nothing else, neither a peer nor a sender: should the host take the first approved one for its owner,
 * it has nobody. The name is bound to the key and to the time of asking, so an approval of an earlier request counts for no later one.
 *
 * After the database was restored from an older copy the list may come from the same backup: what stands in it is only cleared, until it was seen empty.
 */
export class HostApprovals {
  readonly #components: HostApprovalsComponents

  constructor(components: HostApprovalsComponents) {
    this.#components = components
  }

  /** Nothing is done while no requests are taken: entries wait for the policy that they belong to. */
  take(entries: string[]): HostRound {
    const { store, trust, contacts } = this.#components
    if (!trust.takesRequests) return { open: [], done: [] }
    const rows = new Map(store.contacts.pending('incoming').map(row => [requestIdOf(row), row]))
    const stale = (store.value(EPOCH_KEY) ?? store.epoch) !== store.epoch
    const done = entries.filter(entry => (stale ? isOurs(entry) : this.#take(entry, rows.get(entry))))
    if (store.value(EPOCH_KEY) !== store.epoch && !(stale && done.length > 0)) store.setValue(EPOCH_KEY, store.epoch)
    const open = contacts.list().flatMap(({ direction, peerId, instanceId, purpose }) => {
      const row = [...rows].find(([, { peer }]) => direction === 'incoming' && peer === peerId)
      return row === undefined ? [] : [{ id: row[0], instanceId, purpose }]
    })
    return { open, done }
  }

  /** True for an entry that is about the mesh. */
  #take(entry: string, row: ContactRow | undefined): boolean {
    const { store, trust, contacts, notices } = this.#components
    if (row !== undefined) {
      const tell = trust.transaction(() => {
        trust.set(row.instance, { level: 'paired', peer: row.peer, how: 'host', asked: true })
        store.setValue(APPLIED_KEY, [...this.#applied(), entry].slice(-APPLIED_MAX).join(' '))
        return contacts.settle(row.instance)
      })
      tell()
      return true
    }
    // Still there because its removal failed, or the process ended before it: it has let somebody in.
    if (this.#applied().includes(entry)) return true
    if (entry.startsWith(REQUEST_PREFIX)) {
      // The host looks at its list again and again; settled requests of ours are taken out of it by us.
      notices.tell({
        subject: `approval ${entry.slice(0, REQUEST_PREFIX.length + REQUEST_ID_CHARS)}`,
        pauseMs: STALE_PAUSE_MS,
        text: () =>
          'An approval in the list of the host is for a request that is not open any more; it lets nobody in. Whoever asked has to ask again.'
      })
      return true
    }
    const named = instanceOf(entry)
    if (named === undefined) return false
    // The owner's decision here, also one to forget, is newer than whatever stands there.
    if (store.trust.get(named.instance) === undefined) {
      const { instance, peer } = named
      const tell = trust.transaction(() => {
        trust.set(instance, { level: 'paired', how: 'host', ...(peer !== undefined && { peer }) })
        return contacts.settle(instance)
      })
      tell()
    }
    return true
  }

  #applied(): string[] {
    return this.#components.store.value(APPLIED_KEY)?.split(' ') ?? []
  }
}

/** Whether an entry is about the mesh, whatever it says. */
function isOurs(entry: string): boolean {
  return entry.startsWith(REQUEST_PREFIX) || instanceOf(entry) !== undefined
}

/** The name of a request at the host. It says nothing about who asks. */
function requestIdOf({ instance, createdMs }: Pick<ContactRow, 'instance' | 'createdMs'>): string {
  const hash = toHex(hashOf(new TextEncoder().encode(`${instance} ${createdMs}`)))
  return `${REQUEST_PREFIX}${hash.slice(0, REQUEST_ID_CHARS)}`
}
