import { AckTracker, type Settled } from '../../src/mesh/ack-tracker.ts'
import { Lanes } from '../../src/mesh/lanes.ts'
import { Outbox } from '../../src/mesh/outbox.ts'
import type { OutboxRow, OutboxState, Signer } from '../../src/mesh/ports.ts'
import { type Frame, peekContent, type Receipt, type ReceiptLevel } from '../../src/protocol/index.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const self = new FakeInstance('self')
const peer = new FakeInstance('peer')

/** Nothing here looks at signatures, and a real one takes a thread. */
const signer: Signer = {
  publicKey: self.signer.publicKey,
  sign: async () => new Uint8Array(64),
  verify: async () => true
}

/** Each pause is longer than its deadline, and the long ones are beyond a lane's patience; nothing else falls on the time of a deadline. */
const SHORT = { deadlineMs: 90, pauseMs: 100 }
const LONG = { deadlineMs: 50_090, pauseMs: 60_000 }

export type Said = 'received' | 'delivered' | 'no_reply' | 'answered' | 'rejected'

/** What may happen. `of` is the number of the message. */
export type Event =
  /** Somebody begins to wait, for a short time or for long. */
  | { do: 'wait'; of: number; level: ReceiptLevel; long: boolean }
  | { do: 'abort'; which: number }
  /** The peer gets so far with a message that it has, and says so, if there is a link to say it on. */
  | { do: 'receipt'; of: number; says: Said }
  /** The peer's answer comes: its text, not the receipt. Without a link it waits in the peer's outbox. */
  | { do: 'answer'; of: number }
  | { do: 'expire'; of: number }
  | { do: 'pass'; long: boolean }
  /** The link goes, or a new one comes. */
  | { do: 'link' }
  /** The next frames of the peer are lost although the link stays. */
  | { do: 'deaf' }
  /** A stop that lets everybody know, and a new start over the same store; or the end of the process without a word, and a new start. */
  | { do: 'restart' }
  | { do: 'crash' }

const START_MS = 1_800_000_000_000

interface Wait {
  of: number
  level: ReceiptLevel
  dueMs: number
  stop: AbortController
  /** What it must end with, once that is known. */
  expected: Settled | 'aborted' | undefined
  ends: Array<Settled | 'aborted'>
}

const OPEN: OutboxState[] = ['queued', 'received', 'delivered', 'answered']

const RECEIPTS: Record<Said, Pick<Receipt, 'outcome' | 'reason'>> = {
  received: { outcome: 'received', reason: 'none' },
  delivered: { outcome: 'delivered', reason: 'none' },
  no_reply: { outcome: 'delivered', reason: 'no_reply' },
  answered: { outcome: 'answered', reason: 'none' },
  rejected: { outcome: 'rejected', reason: 'failed' }
}

/**
 * Outbox, lanes and ack tracker over one store, and a peer at the other end of a link that comes and goes. It keeps beside them what every wait has to
 * say and when, by the rows as they were written, and holds them to it after every event.
 */
export class AckWorld {
  readonly #store = new FakeStore()
  readonly #ids: string[] = []
  readonly #hashes: Uint8Array[] = []
  readonly #waits: Wait[] = []
  /** Rows written since the last look, in order, and when. */
  #written: Array<{ row: OutboxRow; atMs: number }> = []
  #clock = new FakeClock(START_MS, 1)
  #parts = this.#open()
  #linked = false
  #deaf = false
  /** What the peer has: number of the message -> what it said of it last. */
  readonly #arrived = new Map<number, Said | undefined>()
  readonly #answers = new Set<number>()

  constructor() {
    const advance = this.#store.outbox.advance.bind(this.#store.outbox)
    this.#store.outbox.advance = (...change) => {
      const row = advance(...change)
      if (row !== undefined) this.#written.push({ row, atMs: this.#clock.monotonicMs() })
      return row
    }
  }

  /** A world in which these many messages are accepted, and a link is up. */
  static async create(messages: number): Promise<AckWorld> {
    const world = new AckWorld()
    for (let of = 0; of < messages; of++) {
      const conversation = String(of).repeat(32)
      const id = `${of}`.padStart(32, 'a')
      const row = await world.#parts.outbox.enqueue({
        id,
        instance: peer.instance,
        peer: peer.peer,
        kind: 'message',
        conversation,
        trace: { root: id, depth: 0, hops: [] },
        text: 'x'
      })
      world.#ids.push(id)
      world.#hashes.push(row.hash)
    }
    await world.play({ do: 'link' })
    return world
  }

  /** Lets it happen, and throws where a wait, a row or the tracker is not as it should be. */
  async play(event: Event): Promise<void> {
    const before = this.#ids.map(id => this.#row(id))
    const open = this.#waits.filter(wait => wait.expected === undefined)
    this.#written = []
    await this.#happen(event)
    for (const wait of open) this.#judge(wait, before, event.do === 'restart')
    await settled(1)
    this.#check(before)
  }

  /** A new link, the peer's last word on everything, and a time after all deadlines: nothing may be left. */
  async end(): Promise<void> {
    if (this.#linked) await this.play({ do: 'link' })
    await this.play({ do: 'link' })
    // Whoever asks late is told the same as who waited.
    for (const of of this.#ids.keys()) await this.play({ do: 'wait', of, level: 'answered', long: false })
    await this.play({ do: 'pass', long: true })
    for (const [of, says] of this.#arrived) this.#expectKnown(of, says)
    if (this.#arrived.size < this.#ids.length && this.#ids.some(id => this.#row(id).state === 'queued'))
      throw new Error('a message never reached the peer')
    this.#parts.lanes.close()
    await this.#parts.outbox.stop()
    await settled(1)
    const { size } = this.#parts.acks
    const { sleeping } = this.#clock
    if (size !== 0 || sleeping !== 0) throw new Error(`left behind: ${size} waits, ${sleeping} timers`)
  }

  #open() {
    const clock = this.#clock
    const log = new FakeLog()
    const store = this.#store
    const acks = new AckTracker(
      { outbox: store.outbox, clock, log },
      { replyOf: row => (row.replyId === undefined ? undefined : `text of ${row.replyId}`) }
    )
    const lanes = new Lanes(
      { store, network: { send: (_peer, frame) => this.#take(frame) }, clock, log },
      {
        instanceOf: () => peer.instance,
        owe: () => {},
        changed: rows => {
          for (const row of rows) acks.changed(row)
        }
      }
    )
    const outbox = new Outbox(
      { store, signer, clock },
      { self: self.instance, committed: rows => lanes.committed(rows) }
    )
    return { acks, lanes, outbox }
  }

  async #happen(event: Event): Promise<void> {
    const { acks, lanes, outbox } = this.#parts
    if (event.do === 'wait') this.#wait(event)
    if (event.do === 'abort') this.#abort(this.#waits[event.which])
    if (event.do === 'receipt' && this.#arrived.has(event.of)) {
      this.#arrived.set(event.of, further(this.#arrived.get(event.of), event.says))
      this.#say(event.of, event.says)
    }
    if (event.do === 'answer' && this.#arrived.has(event.of)) {
      this.#answers.add(event.of)
      if (this.#linked) this.#answer(event.of)
    }
    if (event.do === 'expire') {
      const row = this.#store.outbox.advance(this.#ids[event.of] ?? '', 'expired')
      if (row !== undefined) {
        lanes.ended([row])
        acks.changed(row)
      }
    }
    if (event.do === 'pass') await this.#clock.advance((event.long ? LONG : SHORT).pauseMs)
    if (event.do === 'link') this.#toggle()
    if (event.do === 'deaf') this.#deaf = true
    if (event.do === 'restart' || event.do === 'crash') {
      // Who waits in a process that is gone hears nothing; its clock stands still for ever.
      if (event.do === 'crash') {
        this.#waits.length = 0
        this.#clock = new FakeClock(this.#clock.wallMs(), 1)
      } else {
        acks.stop()
        lanes.close()
        await outbox.stop()
      }
      this.#linked = false
      this.#parts = this.#open()
    }
  }

  #wait({ of, level, long }: Event & { do: 'wait' }): void {
    const id = this.#ids[of] ?? ''
    const timeoutMs = (long ? LONG : SHORT).deadlineMs
    const wait: Wait = {
      of,
      level,
      dueMs: this.#clock.monotonicMs() + timeoutMs,
      stop: new AbortController(),
      expected: undefined,
      ends: []
    }
    const now = verdict(this.#row(id), level)
    if (now.outcome !== 'pending') wait.expected = now
    this.#waits.push(wait)
    this.#parts.acks.wait(id, level, timeoutMs, { signal: wait.stop.signal }).then(
      said => wait.ends.push(said),
      () => wait.ends.push('aborted')
    )
  }

  #abort(wait: Wait | undefined): void {
    wait?.stop.abort()
    if (wait !== undefined) wait.expected ??= 'aborted'
  }

  #toggle(): void {
    const { lanes } = this.#parts
    this.#linked = !this.#linked
    this.#deaf = false
    if (!this.#linked) {
      lanes.linkDown(peer.peer)
      return
    }
    lanes.linkUp(peer.peer)
    for (const of of this.#answers) this.#answer(of)
  }

  /** A frame reaches the peer, who repeats what it has said of a message that it knows. */
  #take(frame: Frame): boolean {
    if (frame.type !== 'envelope') return true
    const of = this.#ids.indexOf(peekContent(frame.envelope.signed).id ?? '')
    if (of < 0) throw new Error('a frame that was never sent')
    const says = this.#arrived.get(of)
    this.#arrived.set(of, says)
    // A turn later, as over any network.
    if (says !== undefined) queueMicrotask(() => this.#say(of, says))
    return true
  }

  #say(of: number, says: Said): void {
    if (!this.#linked || this.#deaf) return
    const [id, hash] = [this.#ids[of] ?? '', this.#hashes[of] ?? new Uint8Array()]
    this.#parts.lanes.receipts(peer.peer, [{ id, attempt: 1, hash, ...RECEIPTS[says] }])
  }

  #answer(of: number): void {
    this.#answers.delete(of)
    const row = this.#store.outbox.advance(this.#ids[of] ?? '', 'answered', { replyId: `reply to ${of}` })
    if (row !== undefined) this.#parts.acks.changed(row)
  }

  #row(id: string): OutboxRow {
    const row = this.#store.outbox.get(id)
    if (row === undefined) throw new Error('a row is gone')
    return row
  }

  /** What this wait has to say of what happened: the first thing that was true and enough for it, else the truth of its deadline. */
  #judge(wait: Wait, before: OutboxRow[], stopped: boolean): void {
    if (wait.expected !== undefined) return
    const id = this.#ids[wait.of]
    const rows = [...before, ...this.#written.filter(({ atMs }) => atMs < wait.dueMs).map(({ row }) => row)]
    const truths = rows.filter(row => row.id === id).map(row => verdict(row, wait.level))
    const over = stopped || wait.dueMs <= this.#clock.monotonicMs()
    wait.expected = truths.find(({ outcome }) => outcome !== 'pending') ?? (over ? truths.at(-1) : undefined)
  }

  #check(before: OutboxRow[]): void {
    for (const { row } of this.#written) {
      const old = before.find(({ id }) => id === row.id)
      if (old !== undefined && falls(old, row)) throw new Error(`from ${old.state} back to ${row.state}`)
      before = before.map(known => (known.id === row.id ? row : known))
    }
    for (const [index, wait] of this.#waits.entries()) {
      const expected = wait.expected === undefined ? [] : [wait.expected]
      const [said, due] = [wait.ends, expected].map(ends => JSON.stringify(ends))
      if (said !== due) throw new Error(`wait ${index} for ${wait.level} said ${said}, expected ${due}`)
    }
    const { acks } = this.#parts
    const open = this.#waits.filter(wait => wait.expected === undefined)
    if (acks.size !== open.length) throw new Error(`${acks.size} waits are counted, ${open.length} are open`)
    // One timer for each wait, and one at most for the lane.
    const timers = this.#clock.sleeping - open.length
    if (timers !== 0 && timers !== 1) throw new Error(`${this.#clock.sleeping} timers for ${open.length} waits`)
    for (const [of, id] of this.#ids.entries()) {
      const own = open.filter(wait => wait.of === of)
      const wrong = acks.awaited(id) !== own.length > 0
      const wrongAnswer = acks.awaitsAnswer(id) !== own.some(({ level }) => level === 'answered')
      if (wrong || wrongAnswer) throw new Error(`of ${own.length} waits for message ${of} the tracker knows otherwise`)
    }
  }

  /** What the peer said, however late and over however many links, is in the row, and the next wait is told. */
  #expectKnown(of: number, says: Said | undefined): void {
    const { state } = this.#row(this.#ids[of] ?? '')
    if (says === undefined || state === 'expired' || state === 'rejected') return
    const wanted = RECEIPTS[says].outcome
    // What follows `delivered` is not asked about again: the answer itself comes, or the wait says how far it got.
    const rank = Math.min(OPEN.indexOf(wanted as OutboxState), OPEN.indexOf('delivered'))
    if (wanted === 'rejected' ? OPEN.indexOf(state) < OPEN.indexOf('delivered') : OPEN.indexOf(state) < rank)
      throw new Error(`the peer said ${says} of message ${of}, its row says ${state}`)
  }
}

/** What the peer stands by: it gets further, and what was refused stays so. */
function further(before: Said | undefined, says: Said): Said {
  const order: Array<Said | undefined> = [undefined, 'received', 'delivered', 'no_reply', 'answered']
  if (before === 'rejected' || says === 'rejected') return before === 'answered' ? before : 'rejected'
  return order.indexOf(says) > order.indexOf(before) ? says : (before as Said)
}

/** What is true of a row for somebody who waits for this level. */
function verdict(row: OutboxRow, wanted: ReceiptLevel): Settled {
  const reason = row.reason === undefined ? {} : { reason: row.reason }
  if (row.state === 'rejected' || row.state === 'expired' || row.state === 'cancelled') {
    return { outcome: 'ended', state: row.state, ...reason }
  }
  if (row.state === 'queued') return { outcome: 'pending', level: 'queued' }
  // An answer is there when its text is.
  const reply = row.state === 'answered' && row.replyId !== undefined ? { reply: `text of ${row.replyId}` } : {}
  const level = row.state === 'answered' && !('reply' in reply) ? 'delivered' : row.state
  const last = wanted === 'answered' && row.state === 'delivered' && row.reason !== undefined
  const far = OPEN.indexOf(level) >= OPEN.indexOf(wanted)
  return far || last ? { outcome: 'reached', level, ...reason, ...reply } : { outcome: 'pending', level }
}

function falls(before: OutboxRow, after: OutboxRow): boolean {
  const [from, to] = [OPEN.indexOf(before.state), OPEN.indexOf(after.state)]
  if (from >= 0 && to >= 0) return to < from
  // An end stays, but for an expiry that was too early.
  if (from < 0)
    return before.state === 'expired'
      ? after.state !== 'delivered' && after.state !== 'answered'
      : to >= 0 || after.state !== before.state
  return before.state === 'answered' || (after.state === 'expired' && before.state === 'delivered')
}
