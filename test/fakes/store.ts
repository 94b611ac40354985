import type { MeshError } from '../../src/mesh/errors.ts'
import type {
  AftermathStore,
  ContactStore,
  InboxStore,
  LostMessage,
  NoticeStore,
  OutboxStore,
  Store,
  TicketStore,
  TrustStore,
  TurnStore
} from '../../src/mesh/ports.ts'
import { FakeAftermath } from './store/aftermath.ts'
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
  /** @default 0, always */
  wallMs?: () => number
}

/**
 * The Store port in memory, held to the same contract suite as the real one. Maps and lists keep insertion order, which
 * is "oldest first".
 */
export class FakeStore implements Store {
  readonly epoch: string
  readonly outbox: OutboxStore
  readonly aftermath: AftermathStore
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
  /** What an opening would have found damaged. */
  lost: LostMessage[] = []
  readonly #journal: Journal
  readonly #values = new Map<string, string>()

  constructor({ epoch = '00112233aabbccdd', wallMs = () => 0 }: FakeStoreInit = {}) {
    this.epoch = epoch
    this.#journal = new Journal(this)
    const outbox = new FakeOutbox(this.#journal)
    this.outbox = outbox
    this.aftermath = new FakeAftermath(this.#journal, outbox)
    this.inbox = new FakeInbox(this.#journal, wallMs)
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

  /** How often `prune` was called: nothing is ever damaged here. */
  pruned = 0

  prune(): void {
    this.pruned++
  }

  takeLost(): LostMessage[] {
    return this.lost.splice(0)
  }

  issues(): string[] {
    return []
  }

  async close(): Promise<void> {
    this.closed = true
    await this.routes.flush()
  }
}
