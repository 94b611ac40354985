import { LateNotices, type LateNoticesComponents } from './late-notices.ts'
import type { OutboxRow } from './ports.ts'
import { SessionNews, type SessionNewsComponents } from './session-news.ts'

/** Who hears of messages when nobody waits for them any more: the session that sent them, and the owner. */
export class Aftermath {
  readonly #late: LateNotices
  readonly #sessions: SessionNews

  constructor(
    components: Omit<SessionNewsComponents, 'notices'> &
      Omit<LateNoticesComponents, 'notices'> & {
        owner: LateNoticesComponents['notices']
        notices: SessionNewsComponents['notices']
      },
    init: { program: string }
  ) {
    this.#late = new LateNotices({ ...components, notices: components.owner }, init)
    this.#sessions = new SessionNews(components)
  }

  start(): void {
    this.#late.start()
    this.#sessions.start()
  }

  stop(): void {
    this.#sessions.stop()
    this.#late.stop()
  }

  committed(): void {
    this.#late.committed()
  }

  /** After the commit of any change of these rows. */
  changed(rows: OutboxRow[]): void {
    this.#late.changed(rows)
    this.#sessions.changed(rows)
  }

  /** A wait ended without being told. */
  released(): void {
    this.#sessions.look()
  }
}
