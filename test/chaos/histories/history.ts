import type { Random } from '../../../scripts/fuzz/random.ts'
import { MeshError } from '../../../src/mesh/errors.ts'
import type { Inbound, OutboxRow } from '../../../src/mesh/ports.ts'
import { FakeClock, settled } from '../../fakes/clock.ts'
import { FakeInstance } from '../../fakes/instance.ts'
import { FakeHub } from '../../fakes/network.ts'
import { conversationId, type Entry, parseText, type Text, textOf, UNKNOWN_OUTCOME } from '../journal.ts'
import { Member } from './member.ts'

const NAMES = ['ann', 'ben', 'cyd']
const CONVERSATIONS = 2
const BURST = 6

/** Acts on a store within which a killed member dies: more than a message takes from the wire to the screen. */
const DEATH_ACTS_MAX = 60

/** Longest a channel takes to show a text, ms. */
const SHOW_MAX_MS = 3_000

/** Within it honest clocks may differ. */
const SKEW_MAX_MS = 4 * 60 * 1000

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Passes of the clock at the end, until everything has come to its end. An hour: all pauses between tries are shorter. */
const CALM_STEP_MS = 10_000
const CALM_STEPS_MAX = 360

/** Why a message may end without having been shown: what the history did to it says so. */
const HONEST_ENDS: ReadonlySet<string> = new Set(['not_admitted', 'blocked', 'expired', 'clock_skew', UNKNOWN_OUTCOME])

/** Codes of calls of which nothing is stored. */
const REFUSALS: ReadonlySet<string> = new Set(['not_trusted', 'blocked', 'outbox_full', 'unknown_target'])

type Step = () => void | Promise<void>

/** One random history of three instances that let each other in: whatever happens to them, the journal has to add up. */
export class History {
  readonly #random: Random
  readonly #number: number
  readonly #write: (entry: Entry) => void
  readonly #hub = new FakeHub()
  readonly #clock = new FakeClock()
  readonly #members: Member[]
  readonly #stranger: FakeInstance
  readonly #numbers = new Map<string, number>()
  readonly #open = new Map<string, { member: Member; id: string; text: Text }>()
  readonly #shown = new Set<string>()
  readonly #calls = new Set<Promise<void>>()
  /** What happened, for whoever looks into a failure. */
  readonly #told: string[] = []

  constructor(components: { random: Random; write: (entry: Entry) => void }, init: { number: number }) {
    this.#random = components.random
    this.#write = components.write
    this.#number = init.number
    const random = (): number => this.#random.below(1_000) / 1_000
    this.#stranger = new FakeInstance(`stranger ${init.number}`)
    this.#members = NAMES.map(name => {
      const own = `${name}-${init.number}`
      return new Member(
        { hub: this.#hub, clock: this.#clock },
        { name: own, random, show: inbound => this.#show(own, inbound), passed: text => this.#passed(text) }
      )
    })
  }

  /** @throws {Error} with what happened, where a history does not come to its end */
  async play(steps: number): Promise<void> {
    for (const member of this.#members) await member.start()
    await this.#approveAll()
    await this.#clock.advance(1_000)
    for (let step = 0; step < steps; step++) {
      const [name, act] = this.#random.oneOf(this.#acts)
      this.#told.push(name)
      await act()
      await settled(this.#random.below(6))
    }
    await this.#calm()
    for (const member of this.#members) await member.stop()
  }

  /** One entry for each share of the dice. */
  get #acts(): [string, Step][] {
    return [
      ...times(10, 'send', () => this.#send()),
      ...times(4, 'burst', () => this.#burst()),
      ...times(4, 'wait', () => this.#clock.advance(this.#random.below(5_000))),
      ...times(2, 'wait long', () => this.#clock.advance(this.#random.below(3 * MINUTE_MS))),
      ...times(3, 'kill', () => this.#one().kill(this.#random.below(DEATH_ACTS_MAX))),
      ...times(1, 'stop', () => this.#one().stop()),
      ...times(8, 'start', () => this.#start()),
      ...times(2, 'cut', () => this.#hub.cut(...this.#pair())),
      ...times(3, 'mend', () => this.#mend()),
      ...times(2, 'drop', () => this.#hub.drop(...this.#pair())),
      ...times(1, 'unlink', () => this.#hub.unlink(...this.#pair())),
      ...times(1, 'hold', () => this.#hub.hold(...this.#pair())),
      ...times(2, 'release', () => this.#hub.release(...this.#pair())),
      ...times(1, 'shut out', () => this.#trust('blocked')),
      ...times(2, 'let in', () => this.#trust('paired')),
      ...times(1, 'fill', () => this.#fill()),
      ...times(2, 'free', () => this.#free()),
      ...times(1, 'skew', () => this.#skew()),
      ...times(1, 'jump', () => this.#jump()),
      ...times(2, 'forge', () => this.#forge())
    ]
  }

  #one(): Member {
    return this.#random.oneOf(this.#members)
  }

  #two(): [Member, Member] {
    const one = this.#one()
    return [one, this.#random.oneOf(this.#members.filter(member => member !== one))]
  }

  #pair(): [string, string] {
    const [one, other] = this.#two()
    return [one.peer, other.peer]
  }

  #burst(): void {
    for (let count = 0; count < BURST; count++) this.#send()
  }

  #send(): void {
    const [from, to] = this.#two()
    const { ask, life } = from
    if (ask === undefined) return
    const conversation = this.#random.below(CONVERSATIONS)
    const lane = `${from.name} ${to.name} ${conversation}`
    const number = this.#numbers.get(lane) ?? 0
    this.#numbers.set(lane, number + 1)
    const text: Text = { from: from.name, to: to.name, conversation, number }
    this.#write({ what: 'asked', ...text })
    const request = {
      target: to.peer,
      text: textOf(text),
      conversation: conversationId(conversation),
      waitFor: 'received' as const,
      timeoutMs: 0
    }
    const call = ask
      .send(request)
      .then(
        ({ id }) => this.#accepted(from, id, text, life?.dead === true),
        error => {
          const { code, details } = error as MeshError
          if (life?.dead === true) return
          if (REFUSALS.has(code)) this.#write({ what: 'refused', ...text })
          // It was stored, and ended at once.
          else if (details?.id !== undefined) this.#accepted(from, details.id, text, false)
        }
      )
      .finally(() => this.#calls.delete(call))
    this.#calls.add(call)
  }

  /** Whoever dies takes the answer along. */
  #accepted(member: Member, id: string, text: Text, dead: boolean): void {
    if (dead) return
    this.#write({ what: 'accepted', id, ...text })
    if (!this.#shown.has(textOf(text))) this.#open.set(textOf(text), { member, id, text })
  }

  async #show(at: string, { text, from, mayRepeat }: Inbound): Promise<void> {
    const read = parseText(text)
    const member = this.#members.find(({ name }) => name === at)
    const sender = this.#members.find(({ name }) => name === read?.from)
    if (read === undefined || read.to !== at || sender?.peer !== from.peer)
      this.#write({ what: 'forged', text: `${text} at ${at}` })
    else if (member?.shutOut.has(from.peer) === true)
      this.#write({ what: 'forged', text: `${text} although its sender is shut out` })
    else {
      this.#write({ what: 'shown', again: mayRepeat, ...read })
      this.#shown.add(text)
      this.#open.delete(text)
    }
    if (this.#random.below(4) === 0) await this.#clock.sleep(this.#random.below(SHOW_MAX_MS))
  }

  #passed(text: string): void {
    const read = parseText(text)
    if (read !== undefined) this.#write({ what: 'passed', ...read })
  }

  async #start(): Promise<void> {
    const down = this.#members.filter(member => !member.up)
    if (down.length === 0) return
    const member = this.#random.oneOf(down)
    await member.stop()
    await member.start()
    this.#discover()
  }

  #mend(): void {
    this.#hub.mend(...this.#pair())
    this.#discover()
  }

  #discover(): void {
    for (const one of this.#members)
      for (const other of this.#members) if (one !== other) this.#hub.discover(one.peer, other.peer)
  }

  async #trust(level: 'blocked' | 'paired'): Promise<void> {
    const [one, other] = this.#two()
    await this.#setTrust(one, other, level)
  }

  async #setTrust(one: Member, other: Member, level: 'blocked' | 'paired'): Promise<void> {
    const { ask } = one
    if (ask === undefined) return
    // What the owner wants counts from the moment at which it is stored; of what failed the disk knows whether it happened: who dies after the commit
    // fails too.
    if (level === 'paired') one.shutOut.delete(other.peer)
    try {
      await ask.trust({ who: other.peer, level })
    } catch (error) {
      if (!(error instanceof MeshError)) throw error
    }
    if (one.store.trust.get(other.identity.instance)?.level === 'blocked') one.shutOut.add(other.peer)
  }

  async #approveAll(): Promise<void> {
    for (const one of this.#members)
      for (const other of this.#members) if (one !== other) await this.#setTrust(one, other, 'paired')
    this.#discover()
  }

  /** A full disk: what is there can be read. */
  #fill(): void {
    this.#one().store.failure = new MeshError('store_failed', { detail: 'the disk is full', retryable: true })
  }

  #free(): void {
    for (const member of this.#members) member.store.failure = undefined
  }

  #skew(): void {
    this.#one().skewMs = this.#random.below(2 * SKEW_MAX_MS) - SKEW_MAX_MS
  }

  /** All clocks are set, to another hour or another day. */
  #jump(): void {
    this.#clock.jump(this.#random.oneOf([-24 * HOUR_MS, -HOUR_MS, HOUR_MS, 24 * HOUR_MS]))
  }

  /** A text that its sender did not sign, and one of somebody whom nobody let in. */
  async #forge(): Promise<void> {
    const [liar, to] = this.#two()
    const { handler } = to
    if (handler === undefined) return
    const change = { conversation: 'f'.repeat(32), id: this.#id() }
    const nowMs = this.#clock.wallMs()
    const said = liar.identity.content(to.identity.instance, 'chaos of nobody', nowMs, change)
    const [envelope] = await liar.identity.seal([said])
    if (envelope !== undefined) handler.envelope(liar.peer, { ...envelope, sig: new Uint8Array(envelope.sig.length) })
    const strange = this.#stranger.content(to.identity.instance, 'chaos of a stranger', nowMs, { id: this.#id() })
    const [sealed] = await this.#stranger.seal([strange])
    if (sealed === undefined) return
    handler.envelope(this.#stranger.peer, sealed)
    handler.envelope(liar.peer, sealed)
  }

  #id(): string {
    return Buffer.from(this.#random.bytes(16)).toString('hex')
  }

  /** Everything is well again: whoever is down starts, every cut mends, every disk is free. */
  async #calm(): Promise<void> {
    this.#free()
    for (const member of this.#members) {
      member.kill(Number.POSITIVE_INFINITY)
      if (member.up) continue
      await member.stop()
      await member.start()
    }
    for (const one of this.#members)
      for (const other of this.#members) {
        if (one === other) continue
        this.#hub.mend(one.peer, other.peer)
        this.#hub.release(one.peer, other.peer)
      }
    for (const member of this.#members) member.skewMs = 0
    await Promise.all(this.#calls)
    await this.#approveAll()
    for (let step = 0; step < CALM_STEPS_MAX && this.#open.size > 0; step++) {
      await this.#clock.advance(CALM_STEP_MS)
      // Signatures are made and checked in threads.
      await new Promise(resolve => setTimeout(resolve, 1))
      this.#writeEnds()
    }
    for (const { member, id, text } of this.#open.values()) {
      const { state, reason } = member.store.outbox.get(id) ?? {}
      this.#told.push(`open: ${textOf(text)} is ${state} ${reason ?? ''}`)
    }
    for (const member of this.#members) {
      const over = (await member.ask?.status({}))?.gauges.filter(({ size, max }) => size > max) ?? []
      if (over.length > 0)
        throw new Error(`history ${this.#number}: ${member.name} keeps too much: ${JSON.stringify(over)}`)
    }
    if (this.#open.size > 0) throw new Error(`history ${this.#number}: ${this.#told.join(', ')}`)
  }

  #writeEnds(): void {
    for (const [key, { member, id, text }] of this.#open) {
      const row = member.store.outbox.get(id)
      if (row === undefined || !honestEnd(row)) continue
      this.#write({ what: 'ended', how: row.reason ?? row.state, ...text })
      this.#open.delete(key)
    }
  }
}

function honestEnd({ state, reason }: OutboxRow): boolean {
  return state === 'expired' || (state === 'rejected' && HONEST_ENDS.has(reason ?? ''))
}

function times(count: number, name: string, step: Step): [string, Step][] {
  return Array.from({ length: count }, () => [name, step])
}
