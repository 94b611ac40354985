import type { MeshError } from '../../src/mesh/errors.ts'
import type {
  ContactStore,
  InboxStore,
  NoticeStore,
  OutboxStore,
  Store,
  TicketStore,
  TrustStore,
  TurnStore
} from '../../src/mesh/ports.ts'
import { FakeContacts } from './store/contacts.ts'
import { FakeInbox } from './store/inbox.ts'
import { Journal } from './store/journal.ts'
import { FakeNotices } from './store/notices.ts'
import { FakeOutbox } from './store/outbox.ts'
import { FakeRoutes } from './store/routes.ts'
import { FakeTickets } from './store/tickets.ts'
import { FakeTrust } from './store/trust.ts'
import { FakeTurns } from './store/turns.ts'

export interface FakeStoreInit {
  epoch?: string
}

/**
 * The Store port in memory, held to the same contract suite as the real one. Maps and lists keep insertion order, which
 * is "oldest first".
 */
export class FakeStore implements Store {
  readonly epoch: string
  readonly outbox: OutboxStore
  readonly inbox: InboxStore
  readonly trust: TrustStore
  readonly tickets: TicketStore
  readonly contacts: ContactStore
  readonly turns: TurnStore
  readonly notices: NoticeStore
  readonly routes: FakeRoutes
  /** Set to make every write throw it, as a full disk would. */
  failure: MeshError | undefined
  /** Commits so far; a call outside a transaction is one commit. */
  commits = 0
  closed = false
  readonly #journal: Journal
  readonly #values = new Map<string, string>()

  constructor({ epoch = '00112233aabbccdd' }: FakeStoreInit = {}) {
    this.epoch = epoch
    this.#journal = new Journal(this)
    this.outbox = new FakeOutbox(this.#journal)
    this.inbox = new FakeInbox(this.#journal)
    this.trust = new FakeTrust(this.#journal)
    this.tickets = new FakeTickets(this.#journal)
    this.contacts = new FakeContacts(this.#journal)
    this.turns = new FakeTurns(this.#journal)
    this.notices = new FakeNotices(this.#journal)
    this.routes = new FakeRoutes()
  }

  transaction<T>(work: () => T): T {
    return this.#journal.transaction(work)
  }

  value(key: string): string | undefined {
    return this.#values.get(key)
  }

  setValue(key: string, value: string): void {
    this.#journal.transaction(() => this.#journal.set(this.#values, key, value))
  }

  async close(): Promise<void> {
    this.closed = true
    await this.routes.flush()
  }
}
