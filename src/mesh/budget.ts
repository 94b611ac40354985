import { isoOf } from './iso.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { Clock, Gauge, Store } from './ports.ts'
import { within } from './within.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS

/** One notice per peer, and one about all of them, within this time, ms: somebody who floods this instance must not flood its owner too. */
const NOTICE_PAUSE_MS = DAY_MS

/** Peers whose refusal is remembered; beyond it the oldest is worked out anew. */
const CLOSED_MAX = 1_024

export interface BudgetLimits {
  /**
   * Turns that one chain of messages may start here in one conversation: a question, and two afterthoughts. What somebody says unprompted is a chain
   * of its own and counts anew, so that people can talk for as long as the hour allows.
   */
  conversationTurns: number
  /** Turns that one chain may cost altogether, here and on its way. */
  traceTurns: number
  /** Turns for one peer within an hour: a message every five minutes, all day. */
  peerTurnsPerHour: number
  /** Turns for all peers within an hour: five of them at their limit. */
  turnsPerHour: number
  /** Characters in and out for one peer within a day: about 50,000 tokens, or a hundred exchanges of a page each. */
  peerCharactersPerDay: number
  /** The same for all peers: five of them at their limit. */
  charactersPerDay: number
}

export const BUDGET_LIMITS: Readonly<BudgetLimits> = {
  conversationTurns: 3,
  traceTurns: 4,
  peerTurnsPerHour: 12,
  turnsPerHour: 60,
  peerCharactersPerDay: 200_000,
  charactersPerDay: 1_000_000
}

/** A turn that is about to begin. */
export interface Expense {
  instance: string
  conversation: string
  trace: { root: string; hops: readonly string[] }
  /** Of the message. */
  characters: number
}

/** `later`: there is budget again at `untilMs`, wall clock. `spent`: this chain has had its turns, and gets no more however long it waits. */
export type BudgetVerdict =
  | { verdict: 'begun'; turn: number }
  | { verdict: 'later'; untilMs: number }
  | { verdict: 'spent' }

export interface Amount {
  used: number
  left: number
}

export interface Usage {
  /** Of the last hour. */
  turns: Amount
  /** Of the last 24 hours, in and out. */
  characters: Amount
  /** Wall clock; set while messages wait for budget. */
  waitsUntilMs?: number
}

interface Cap {
  what: 'turns' | 'characters'
  windowMs: number
  max: number
}

/**
 * What peers may cost. A turn is written down before it begins, in the transaction that begins it, so no crash gives one away; the windows slide
 * with the wall clock. Only time gives budget back: nothing that a peer or an agent can say does.
 */
export class Budget {
  readonly #store: Store
  readonly #clock: Clock
  readonly #notices: OwnerNotices
  readonly #limits: BudgetLimits
  /** When a refusal may be looked at again, by instance, `''` for all. What waits then waits in its order, and costs no query. At most CLOSED_MAX. */
  readonly #closed = new Map<string, number>()

  constructor(
    components: { store: Store; clock: Clock; notices: OwnerNotices },
    { limits = {} }: { limits?: Partial<BudgetLimits> } = {}
  ) {
    this.#store = components.store
    this.#clock = components.clock
    this.#notices = components.notices
    this.#limits = { ...BUDGET_LIMITS, ...limits }
  }

  gauges(): Gauge[] {
    return [{ name: 'budgets used up', size: this.#closed.size, max: CLOSED_MAX }]
  }

  /** To be called in the transaction that begins the turn. Who gets `later` calls `refused` after it. */
  begin({ instance, conversation, trace, characters }: Expense): BudgetVerdict {
    if (this.#chainSpent(conversation, trace)) return { verdict: 'spent' }
    const nowMs = this.#clock.wallMs()
    this.#followClock(nowMs)
    const untilMs = this.#untilMs(instance, nowMs, characters)
    if (untilMs > nowMs) return { verdict: 'later', untilMs }
    const turn = this.#store.turns.add({ instance, conversation, root: trace.root, atMs: nowMs, characters })
    return { verdict: 'begun', turn }
  }

  /** Tells the owner, once, that messages wait. */
  refused(instance: string): void {
    const all = this.#closedUntilMs('') > this.#clock.wallMs()
    const subject = all ? 'budget' : `budget ${instance}`
    const untilMs = this.closedUntilMs(instance)
    if (within(NOTICE_PAUSE_MS, this.#store.notices.lastMs(subject), this.#clock.wallMs())) return
    const rest = `What comes is kept and goes on by itself, the next at ${isoOf(untilMs)}; see the budget.`
    this.#notices.tell({
      subject,
      pauseMs: NOTICE_PAUSE_MS,
      ...(!all && { about: instance }),
      text: name =>
        all
          ? `The peers have used up what they may cost together. ${rest}`
          : `${name(instance)} has used up what it may cost. ${rest}`
    })
  }

  /** The turn's answer. */
  count(turn: number, characters: number): void {
    this.#store.turns.count(turn, characters)
  }

  /** Whether this peer, or all together, have had their characters of a day. */
  usedUp(instance: string): boolean {
    const nowMs = this.#clock.wallMs()
    return [undefined, instance].some(scope => {
      const [, { what, windowMs, max }] = this.#caps(scope)
      return this.#used(scope, nowMs - windowMs, what) >= max
    })
  }

  /** The turn did not happen. */
  refund(turn: number, instance: string): void {
    this.#store.turns.remove(turn)
    this.#closed.delete(instance)
    this.#closed.delete('')
  }

  /** Until when messages of this instance wait for budget, as far as it was refused any; 0 for not at all. Wall clock, ms. */
  closedUntilMs(instance: string): number {
    return Math.max(this.#closedUntilMs(instance), this.#closedUntilMs(''))
  }

  /** What one peer has cost, or all of them. */
  usage(instance?: string): Usage {
    const nowMs = this.#clock.wallMs()
    const amount = ({ what, windowMs, max }: Cap): Amount => {
      const used = this.#used(instance, nowMs - windowMs, what)
      return { used, left: Math.max(0, max - used) }
    }
    const [turns, characters] = this.#caps(instance)
    const untilMs = Math.max(
      this.#untilMs('', nowMs, 1),
      instance === undefined ? 0 : this.#untilMs(instance, nowMs, 1)
    )
    return {
      turns: amount(turns),
      characters: amount(characters),
      ...(untilMs > nowMs && { waitsUntilMs: untilMs })
    }
  }

  /** After the clock was set back turns lie ahead: they count from now on, and not until that time comes again. */
  #followClock(nowMs: number): void {
    const { turns } = this.#store
    if (turns.since(nowMs + 1).turns === 0) return
    turns.restamp(nowMs)
    this.#closed.clear()
  }

  /** Of a chain that came over n hops n turns are behind it, wherever they were. */
  #chainSpent(conversation: string, { root, hops }: Expense['trace']): boolean {
    const { traceTurns, conversationTurns } = this.#limits
    const { turns } = this.#store
    return (
      Math.max(hops.length, turns.since(0, { root }).turns) >= traceTurns ||
      turns.since(0, { root, conversation }).turns >= conversationTurns
    )
  }

  /** When this many characters may come from the instance, `''` for any; not after now where they may come at once. */
  #untilMs(instance: string, nowMs: number, characters: number): number {
    const closedMs = this.closedUntilMs(instance)
    if (closedMs > nowMs) return closedMs
    const scopes = instance === '' ? [''] : ['', instance]
    for (const scope of scopes) {
      const filter = scope === '' ? undefined : scope
      const untilMs = Math.max(...this.#caps(filter).map(cap => this.#fitsAtMs(filter, nowMs, cap, characters)))
      if (untilMs <= nowMs) continue
      this.#close(scope, untilMs)
      return untilMs
    }
    return nowMs
  }

  /** The first time at which the window has room, found by halving: what is in it only gets less. */
  #fitsAtMs(instance: string | undefined, nowMs: number, { what, windowMs, max }: Cap, characters: number): number {
    const room = max - (what === 'turns' ? 1 : characters)
    const fits = (atMs: number): boolean => this.#used(instance, atMs - windowMs, what) <= room
    if (fits(nowMs)) return nowMs
    let [fullMs, freeMs] = [nowMs, nowMs + windowMs]
    while (freeMs - fullMs > 1) {
      const middleMs = Math.floor((fullMs + freeMs) / 2)
      if (fits(middleMs)) freeMs = middleMs
      else fullMs = middleMs
    }
    return freeMs
  }

  #used(instance: string | undefined, afterMs: number, what: Cap['what']): number {
    return this.#store.turns.since(afterMs + 1, instance === undefined ? {} : { instance })[what]
  }

  #caps(instance: string | undefined): [Cap, Cap] {
    const { peerTurnsPerHour, turnsPerHour, peerCharactersPerDay, charactersPerDay } = this.#limits
    const all = instance === undefined
    return [
      { what: 'turns', windowMs: HOUR_MS, max: all ? turnsPerHour : peerTurnsPerHour },
      { what: 'characters', windowMs: DAY_MS, max: all ? charactersPerDay : peerCharactersPerDay }
    ]
  }

  #closedUntilMs(scope: string): number {
    return this.#closed.get(scope) ?? 0
  }

  #close(scope: string, untilMs: number): void {
    this.#closed.delete(scope)
    this.#closed.set(scope, untilMs)
    const oldest = this.#closed.keys().next().value
    if (this.#closed.size > CLOSED_MAX && oldest !== undefined) this.#closed.delete(oldest)
  }
}
