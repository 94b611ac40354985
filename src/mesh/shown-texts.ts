import type { OwnerNotices } from './owner-notices.ts'
import type { AbortOptions, Clock, Gauge, Inbound, Notice, Notices } from './ports.ts'
import { Rate } from './rate.ts'

/** Texts of one peer that are shown in an hour: one every two minutes is a person who writes, more is a channel of the owner's that drowns. */
const SHOWN_PER_HOUR = 30

const HOUR_MS = 60 * 60 * 1000

/** Peers that are counted, more than are admitted where the owner names them; the one silent for longest goes first. */
const PEERS_MAX = 1_024

/**
 * Shows texts of peers on the owner's channel, which have cost no turn and so are in no budget, but not more of one peer than somebody reads. What is
 * beyond stands in the inbox, and one notice says so.
 */
export class ShownTexts implements Notices {
  readonly #components: { notices: Notices; owner: OwnerNotices }
  readonly #rate: Rate

  constructor(components: { notices: Notices; owner: OwnerNotices; clock: Clock }) {
    this.#components = components
    this.#rate = new Rate(components, {
      perSecond: SHOWN_PER_HOUR / (HOUR_MS / 1000),
      burst: SHOWN_PER_HOUR,
      keysMax: PEERS_MAX
    })
  }

  async notify(notice: Notice, options?: AbortOptions): Promise<void> {
    const { notices, owner } = this.#components
    if (notice.kind === 'message') {
      // It stands in the inbox already.
      if (this.#mayShow(notice.inbound)) await notices.notify(notice, options)
      return
    }
    if (notice.kind === 'broadcast') {
      // This one too.
      if (this.#mayShow(notice.broadcast)) await notices.notify(notice, options)
      return
    }
    if (notice.kind === 'answer') {
      // First, and whether it is shown or not: there may be no channel to show it on.
      owner.keep(notice.inbound, answerTo(notice.question))
      if (this.#mayShow(notice.inbound)) await notices.notify(notice, options)
      return
    }
    await notices.notify(notice, options)
  }

  gauges(): Gauge[] {
    return this.#rate.gauges('peers with shown texts')
  }

  #mayShow({ from: { instance } }: Pick<Inbound, 'from'>): boolean {
    if (this.#rate.left(instance) >= 1) {
      this.#rate.take(instance)
      return true
    }
    this.#components.owner.tell({
      subject: `shown ${instance}`,
      about: instance,
      pauseMs: HOUR_MS,
      text: name =>
        `${name(instance)} wrote more than ${SHOWN_PER_HOUR} texts in an hour that start no turn; the rest is not shown, the latest stand in the inbox.`
    })
    return false
  }
}

/** How the list of notices calls an answer. */
export function answerTo(question: string): { did: string } {
  return { did: `answered message ${question}` }
}
