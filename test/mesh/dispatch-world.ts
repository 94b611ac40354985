import { Budget, type BudgetLimits } from '../../src/mesh/budget.ts'
import type { Answered, OnUnknown } from '../../src/mesh/delivery.ts'
import { Dispatch } from '../../src/mesh/dispatch.ts'
import { rowOf } from '../../src/mesh/inbox-row.ts'
import { OwnerNotices } from '../../src/mesh/owner-notices.ts'
import type { Agent, Display, Inbound, InboxRow, Notice, Store } from '../../src/mesh/ports.ts'
import { RouteTable } from '../../src/mesh/route-table.ts'
import { Tiers } from '../../src/mesh/tiers.ts'
import { Trust } from '../../src/mesh/trust.ts'
import type { ReplyDraft } from '../../src/mesh/turn.ts'
import { type Content, encodeEnvelope, hashOf, type Receipt } from '../../src/protocol/index.ts'
import { anywhere } from '../fakes/anywhere.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

export const self = new FakeInstance('self')
export const ana = new FakeInstance('ana')
export const ben = new FakeInstance('ben')

export const DISPLAY_MS = 15_000

export interface DispatchWorldInit {
  /** The rows, which outlive a run. */
  store?: FakeStore
  /** The store as this run sees it. */
  view?: Store
  clock?: FakeClock
  agent?: Agent
  display?: Display
  reply?: (draft: ReplyDraft, within: () => void) => Promise<unknown>
  answered?: (answer: Answered) => unknown
  notify?: (notice: Notice) => Promise<void>
  /** Without end where a test is about something else. */
  limits?: Partial<BudgetLimits>
  notifyOnly?: string[]
  onUnknown?: OnUnknown
}

const NO_LIMITS: BudgetLimits = {
  conversationTurns: Number.MAX_SAFE_INTEGER,
  traceTurns: Number.MAX_SAFE_INTEGER,
  peerTurnsPerHour: Number.MAX_SAFE_INTEGER,
  turnsPerHour: Number.MAX_SAFE_INTEGER,
  peerCharactersPerDay: Number.MAX_SAFE_INTEGER,
  charactersPerDay: Number.MAX_SAFE_INTEGER
}

/** A dispatch whose peers are admitted, with everything that it says to the outside. */
export function dispatchWorld(init: DispatchWorldInit = {}) {
  const { store = new FakeStore(), clock = new FakeClock() } = init
  const view = init.view ?? store
  const log = new FakeLog()
  const trust = new Trust({ store, clock, log }, { dmPolicy: 'allowlist', allowFrom: [ana.instance, ben.instance] })
  const tiers = new Tiers({ trust, log }, { notifyOnly: init.notifyOnly ?? [] })
  const routes = new RouteTable({ network: anywhere, store, trust, clock, log })
  const receipts: Receipt[] = []
  const replies: ReplyDraft[] = []
  const notices: Notice[] = []
  const answers: Answered[] = []
  /** Receipts that promised what the store did not hold. */
  const broken: string[] = []
  const promised: Record<Receipt['outcome'], RegExp> = {
    received: /./,
    delivered: /adopted|done|replied/,
    answered: /replied/,
    rejected: /rejected|unknown/,
    deferred: /./
  }
  const told = {
    notify: async (notice: Notice) => {
      notices.push(notice)
      await init.notify?.(notice)
    }
  }
  const owner = new OwnerNotices({ store: view, notices: told, clock, log, trust, routes })
  const budget = new Budget({ store: view, clock, notices: owner }, { limits: init.limits ?? NO_LIMITS })
  const dispatch = new Dispatch(
    {
      store: view,
      clock,
      log,
      trust,
      tiers,
      routes,
      owner,
      pathOf: () => 'lan',
      ...(init.agent !== undefined && { agent: init.agent }),
      ...(init.display !== undefined && { display: init.display }),
      notices: told,
      budget,
      receipts: (peer, own) => {
        for (const receipt of own) {
          const row = store.inbox.get(peer === ana.peer ? ana.instance : ben.instance, receipt.id)
          if (!promised[receipt.outcome].test(row?.state ?? '')) broken.push(`${receipt.outcome} ${row?.state}`)
        }
        receipts.push(...own)
      },
      reply:
        init.reply ??
        (async (draft, within) => {
          await settled(1)
          view.transaction(() => {
            within()
            replies.push(draft)
          })
        }),
      answered: answer => {
        answers.push(answer)
        if (init.answered === undefined) view.transaction(answer.commit)
        else init.answered(answer)
      }
    },
    { instance: self.instance, deliveryAckTimeoutMs: () => DISPLAY_MS, onUnknown: () => init.onUnknown }
  )
  const stop = new AbortController()
  const seqs = new Map<string, number>()
  let running: Promise<void> | undefined
  const keep = async (from: FakeInstance, text: string, change: Partial<Content> = {}): Promise<InboxRow> => {
    const lane = `${from.instance} ${change.conversation}`
    const seq = change.seq ?? (seqs.get(lane) ?? 0) + 1
    seqs.set(lane, seq)
    const content = from.content(self.instance, text, clock.wallMs(), { ...change, seq })
    const row = await verifiedRow(from, content, clock.wallMs())
    store.inbox.insert([row])
    return row
  }
  return {
    store,
    clock,
    log,
    trust,
    tiers,
    routes,
    dispatch,
    receipts,
    replies,
    notices,
    answers,
    broken,
    budget,
    /** Stores a verified row without dispatching it. */
    keep,
    /** Stores a verified row and hands it to the dispatch. */
    add: async (from: FakeInstance, text: string, change: Partial<Content> = {}): Promise<InboxRow> => {
      const row = await keep(from, text, change)
      dispatch.add(row)
      return row
    },
    start: (): void => {
      running = dispatch.run(stop.signal)
    },
    stop: async (): Promise<void> => {
      stop.abort()
      await running
    },
    state: (row: InboxRow) => store.inbox.get(row.instance, row.id)?.state,
    outcomes: (row: InboxRow) =>
      receipts.filter(({ id }) => id === row.id).map(({ outcome, reason }) => `${outcome} ${reason}`)
  }
}

export async function verifiedRow(from: FakeInstance, content: Content, nowMs: number): Promise<InboxRow> {
  const [envelope] = await from.seal([content])
  if (envelope === undefined) throw new Error('a message was not sealed')
  const { kind } = content
  if (kind === 'broadcast' || kind === 'route') throw new Error('not a kind for the inbox')
  const arrival = { peer: from.peer, envelope, content, hash: hashOf(envelope.signed) }
  return { ...rowOf(arrival, kind, nowMs), envelope: encodeEnvelope(envelope), verified: true }
}

/** Keeps what it was given and answers with what the test says. */
export class FakeAgent implements Agent {
  readonly turns: Inbound[] = []
  running = 0
  readonly #script: Agent['turn']

  constructor(script: Agent['turn']) {
    this.#script = script
  }

  async turn(...args: Parameters<Agent['turn']>): ReturnType<Agent['turn']> {
    this.turns.push(args[0])
    this.running++
    try {
      return await this.#script(...args)
    } finally {
      this.running--
    }
  }
}

/** Adopts every turn and answers it. */
export const answering = () =>
  new FakeAgent(async (inbound, events) => {
    events.adopted()
    await events.reply(`re: ${inbound.text}`)
    return { outcome: 'done' }
  })

/** Resolves never, whatever happens: an adapter that hangs. */
export function forever(): Promise<never> {
  return new Promise(() => {})
}
