import { setTimeout as sleep } from 'node:timers/promises'
import type { SendResult } from '../../src/control/methods.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import { conversationId, parseText, type Text, textOf, UNKNOWN_OUTCOME } from './journal.ts'
import { ChaosNode, type ChaosNodeInit, freePort, type Message } from './node.ts'
import type { Chaos } from './scenario.ts'

const POLL_MS = 100

/** Texts that are asked about at a time: the oldest are the ones that ended, or will be shown next. */
const ENDS_AT_ONCE = 32

/** The end of a log is where it went wrong. */
const STDERR_CHARS = 4_000

/** What a display has taken is in our pipe: whatever else runs, it is read within this time, ms. */
const READ_MAX_MS = 10_000

/** How a call ends of which nothing is stored. */
const REFUSALS: ReadonlySet<string> = new Set(['not_trusted', 'blocked', 'outbox_full', 'unknown_target'])

/** How a call ends whose node ends: nobody knows whether it was stored. */
const CUT_OFF: ReadonlySet<string> = new Set(['not_running', 'engine_down', 'aborted'])

/** Questions under way on one control socket. */
const ASKED_AT_ONCE = 200

interface Accepted {
  text: Text
  id: string
}

export interface StageInit {
  honestEnds?: readonly string[]
}

/** Nodes that talk to each other, and the journal of what was accepted and shown. */
export class Stage {
  readonly nodes: ChaosNode[] = []
  readonly #chaos: Chaos
  readonly #numbers = new Map<string, number>()
  readonly #accepted = new Map<string, Accepted>()
  /** Accepted and not shown yet. */
  readonly #open = new Set<string>()
  readonly #shown = new Set<string>()
  readonly #ended = new Set<string>()
  /** When a text was first said to be delivered that was not shown by then. */
  readonly #claimed = new Map<string, number>()
  #calls = 0
  #failure: Error | undefined

  /** Reasons for which a message may end without having been shown: what the scenario did to it says so. A display that was cut off twice is always one. */
  readonly #honestEnds: ReadonlySet<string>

  constructor(chaos: Chaos, { honestEnds = [] }: StageInit = {}) {
    this.#chaos = chaos
    this.#honestEnds = new Set([UNKNOWN_OUTCOME, ...honestEnds])
  }

  /** How many texts were accepted and not shown yet. */
  get open(): number {
    return this.#open.size
  }

  /** A node that does not run yet. */
  async node(name: string, init: Partial<ChaosNodeInit> = {}): Promise<ChaosNode> {
    const { sandbox, programs } = this.#chaos
    const node = new ChaosNode(
      { sandbox, bin: programs.bin },
      { name, port: await freePort(), onMessage: message => this.#show(name, message), ...init }
    )
    this.nodes.push(node)
    return node
  }

  /** Starts both, and each admits the other. @param at where others reach a node, when that is not its own address */
  async join(one: ChaosNode, other: ChaosNode, at = (node: ChaosNode): string => node.address): Promise<void> {
    for (const node of [one, other]) {
      if (node.client !== undefined || (await node.start())) continue
      throw new Error(`${node.name} did not start: ${node.stderr}`)
    }
    await one.client?.call('approve', { who: other.peerId })
    await other.client?.call('approve', { who: one.peerId })
    one.bootstrap.push(`${at(other)}/p2p/${other.peerId}`)
    other.bootstrap.push(`${at(one)}/p2p/${one.peerId}`)
    // Where the other one is stands in the settings, which are read at the start.
    for (const node of [one, other]) {
      await node.end('SIGTERM')
      await node.start()
    }
  }

  /** One more text; resolves when it was accepted, or when it was received or has had its time. Undefined: nobody answered, or it was refused. */
  async send(from: ChaosNode, to: ChaosNode, conversation: number, timeoutMs = 0): Promise<SendResult | undefined> {
    const { journal } = this.#chaos
    const { client } = from
    if (client === undefined) return undefined
    const lane = `${from.name} ${to.name} ${conversation}`
    const number = this.#numbers.get(lane) ?? 0
    this.#numbers.set(lane, number + 1)
    const text: Text = { from: from.name, to: to.name, conversation, number }
    journal.write({ what: 'asked', ...text })
    this.#calls++
    try {
      const sent = await client.call('send', {
        target: to.peerId,
        text: textOf(text),
        conversation: conversationId(conversation),
        waitFor: 'received',
        timeoutMs
      })
      const { id } = sent
      journal.write({ what: 'accepted', id, ...text })
      const key = textOf(text)
      this.#accepted.set(key, { text, id })
      if (!this.#shown.has(key)) this.#open.add(key)
      return sent
    } catch (error) {
      const code = error instanceof MeshError ? error.code : 'no code'
      if (REFUSALS.has(code)) journal.write({ what: 'refused', ...text })
      else if (!CUT_OFF.has(code)) this.#failure ??= error as Error
      return undefined
    } finally {
      this.#calls--
    }
  }

  /** Waits until every accepted text was shown, and every sender knows it. */
  async drain(): Promise<void> {
    await this.#until(async () => {
      await this.#takeEnds()
      return this.#open.size
    }, 'not shown')
    for (const node of this.nodes) {
      await this.#until(
        async () => (await node.client?.call('status', {}))?.outbox.waiting ?? 1,
        `waiting at ${node.name}`
      )
      await this.#until(async () => (await node.client?.call('status', {}))?.inbox.open ?? 1, `open at ${node.name}`)
    }
    let doubtful = [...this.#accepted.values()].filter(({ text }) => !this.#ended.has(textOf(text)))
    await this.#until(async () => {
      const known: boolean[] = []
      for (let from = 0; from < doubtful.length; from += ASKED_AT_ONCE) {
        const some = doubtful.slice(from, from + ASKED_AT_ONCE)
        known.push(...(await Promise.all(some.map(accepted => this.#isSettled(accepted)))))
      }
      doubtful = doubtful.filter((_, index) => known[index] === false)
      return doubtful.length
    }, 'not known to be delivered')
    if (this.#failure !== undefined) throw this.#failure
  }

  /** How the nodes are, for whoever looks into a failure. */
  async describe(): Promise<string> {
    const told = this.nodes.map(async ({ name, client, stderr }) => {
      const status = await client?.call('status', {}).catch(String)
      const peers = await client?.call('peers', {}).catch(String)
      return `${name}: ${JSON.stringify({ status, peers })}\n${stderr.slice(-STDERR_CHARS)}`
    })
    return (await Promise.all(told)).join('\n')
  }

  /** Ends all nodes as a service manager does. */
  async end(): Promise<void> {
    for (const node of this.nodes) {
      const how = await node.end('SIGTERM')
      if (how !== '0') throw new Error(`${node.name} ended with ${how}: ${node.stderr}`)
    }
  }

  async #report({ text, id }: Accepted): Promise<{ state?: string; reason?: string | null }> {
    const client = this.nodes.find(({ name }) => name === text.from)?.client
    return (await client?.call('message', { id })) ?? {}
  }

  #isEnd(state: string | undefined, reason: string | null | undefined): boolean {
    return state === 'rejected' && this.#honestEnds.has(reason ?? '')
  }

  /** Whether the sender knows how it ended. */
  async #isSettled(accepted: Accepted): Promise<boolean> {
    const { state, reason } = await this.#report(accepted)
    return state === 'delivered' || state === 'answered' || this.#isEnd(state, reason)
  }

  /** Writes down which of the open texts ended, and their sender knows why. Throws where one is said to be delivered, and was not. */
  async #takeEnds(): Promise<void> {
    for (const key of [...this.#open].slice(0, ENDS_AT_ONCE)) {
      const accepted = this.#accepted.get(key)
      if (accepted === undefined) continue
      const { state, reason } = await this.#report(accepted)
      if (state === 'delivered' && this.#open.has(key)) {
        const nowMs = performance.now()
        const sinceMs = this.#claimed.get(key) ?? nowMs
        this.#claimed.set(key, sinceMs)
        if (nowMs - sinceMs > READ_MAX_MS) throw new Error(`${key} is said to be delivered, and nothing was shown`)
      }
      if (!this.#isEnd(state, reason)) continue
      this.#chaos.journal.write({ what: 'ended', how: reason ?? '', ...accepted.text })
      this.#ended.add(key)
      this.#open.delete(key)
    }
  }

  async #until(count: () => number | Promise<number>, what: string): Promise<void> {
    let last = Number.POSITIVE_INFINITY
    let sinceMs = performance.now()
    for (;;) {
      const left = (await count()) + this.#calls
      if (left === 0) return
      if (left < last) {
        last = left
        sinceMs = performance.now()
      }
      if (performance.now() - sinceMs > this.#chaos.patienceMs) throw new Error(`${left} ${what}, and nothing goes on`)
      await sleep(POLL_MS)
    }
  }

  #show(at: string, { text, fromPeerId, again }: Message): void {
    const { journal } = this.#chaos
    const read = parseText(text)
    const sender = this.nodes.find(({ name }) => name === read?.from)
    if (read === undefined || read.to !== at || sender?.peerId !== fromPeerId) {
      journal.write({ what: 'forged', text: `${text} at ${at} from ${fromPeerId}` })
      return
    }
    journal.write({ what: 'shown', again, ...read })
    this.#shown.add(textOf(read))
    this.#open.delete(textOf(read))
  }
}
