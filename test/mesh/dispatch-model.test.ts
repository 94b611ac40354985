import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import type { Agent, DispatchOutcome, InboxRow, Store } from '../../src/mesh/ports.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeStore } from '../fakes/store.ts'
import { ana, ben, dispatchWorld, FakeAgent, forever, self, verifiedRow } from './dispatch-world.ts'

/** What a turn does, step by step. `wait` lets time pass, `hang` never returns. */
const steps = fc.array(
  fc.constantFrom('adopt', 'reply', 'wait', 'retry', 'throw', 'unknown', 'failed', 'done', 'hang'),
  {
    minLength: 1,
    maxLength: 4
  }
)

/** Messages in arrival order: who, in which of two conversations, out of order within a pair or not. */
const messages = fc.array(fc.record({ ofAna: fc.boolean(), lane: fc.nat(1), swap: fc.boolean() }), {
  minLength: 1,
  maxLength: 14
})

/** Store writes of each run before the process dies; the last run lives. */
const lives = fc.array(fc.nat(25), { maxLength: 3 })

/** The store of a process that dies in the middle: from some write on nothing reaches the disk. */
function mortal(store: FakeStore, writes: number): Store {
  let left = writes
  const alive = (): void => {
    if (left-- <= 0) throw new MeshError('store_failed', { detail: 'the process is gone' })
  }
  const { outbox, aftermath, trust, routes, tickets, contacts, turns, notices, epoch, inbox } = store
  return {
    epoch,
    prune: () => store.prune(),
    tickets,
    contacts,
    turns,
    notices,
    outbox,
    aftermath,
    trust,
    routes,
    inbox: {
      insert: rows => inbox.insert(rows),
      get: (instance, id) => inbox.get(instance, id),
      named: (prefix, limit) => inbox.named(prefix, limit),
      nextSeq: (...lane) => inbox.nextSeq(...lane),
      inStates: (states, limit) => inbox.inStates(states, limit),
      newest: limit => inbox.newest(limit),
      prune: (beforeMs, limit) => inbox.prune(beforeMs, limit),
      holds: (...place) => inbox.holds(...place),
      kept: instance => inbox.kept(instance),
      largest: () => inbox.largest(),
      trim: (instance, bytes, how) => inbox.trim(instance, bytes, how),
      pruneWindows: (beforeMs, limit) => inbox.pruneWindows(beforeMs, limit),
      update: (instance, id, change) => {
        alive()
        return inbox.update(instance, id, change)
      }
    },
    transaction: work => store.transaction(work),
    value: key => store.value(key),
    setValue: (key, value) => store.setValue(key, value),
    takeLost: () => [],
    issues: () => store.issues(),
    close: () => store.close()
  }
}

async function play(
  steps: string[],
  clock: FakeClock,
  ...[inbound, events]: Parameters<Agent['turn']>
): Promise<DispatchOutcome> {
  for (const step of steps) {
    if (step === 'adopt') events.adopted()
    else if (step === 'reply') await events.reply(inbound.hostMessageId)
    else if (step === 'wait') await clock.sleep(500)
    else if (step === 'throw') throw new Error('as scripted')
    else if (step === 'hang') return await forever()
    else if (step === 'done') return { outcome: 'done' }
    else return { outcome: step as 'retry' | 'unknown' | 'failed', detail: 'as scripted' }
  }
  return { outcome: 'done' }
}

it('R-02 R-07: through adoptions, answers, retries, hangs and deaths, lanes keep their order and every message its single end', async () => {
  const property = fc.asyncProperty(
    messages,
    fc.array(steps, { maxLength: 20 }),
    lives,
    async (sent, scripts, deaths) => {
      const store = new FakeStore()
      const clock = new FakeClock()
      const rows: InboxRow[] = []
      const seqs = new Map<string, number>()
      for (const { ofAna, lane } of sent) {
        const from = ofAna ? ana : ben
        const conversation = `${lane}`.repeat(32)
        const seq = (seqs.get(`${ofAna} ${lane}`) ?? 0) + 1
        seqs.set(`${ofAna} ${lane}`, seq)
        const content = from.content(self.instance, `${seq}`, clock.wallMs(), { conversation, seq })
        rows.push(await verifiedRow(from, content, clock.wallMs()))
      }
      // Neighbours change places on their way; the lane puts them right.
      const arriving = [...rows]
      for (const [index, { swap }] of sent.entries()) {
        const [one, two] = [arriving[index], arriving[index + 1]]
        if (swap && one !== undefined && two !== undefined) arriving.splice(index, 2, two, one)
      }
      store.inbox.insert(arriving)

      const turns: string[] = []
      let played = 0
      const hostIds = new Set<string>()
      // An assertion inside a turn would only be one more turn that throws.
      const broken: string[] = []
      const replied: { question: string; turn: string }[] = []
      for (const writes of [...deaths, Number.POSITIVE_INFINITY]) {
        const running = new Set<string>()
        const last = writes === Number.POSITIVE_INFINITY
        const agent = new FakeAgent(async (inbound, events, options) => {
          const lane = `${inbound.from.instance} ${inbound.conversation}`
          if (running.has(lane)) broken.push('two turns of one lane at once')
          if (hostIds.has(inbound.hostMessageId)) broken.push('a host message id used twice')
          running.add(lane)
          hostIds.add(inbound.hostMessageId)
          // A turn that was given up may hang on; it counts as over.
          options?.signal?.addEventListener('abort', () => running.delete(lane))
          if (!turns.includes(inbound.id)) turns.push(inbound.id)
          try {
            return await play(scripts[played++] ?? ['adopt', 'reply'], clock, inbound, events, options)
          } finally {
            running.delete(lane)
          }
        })
        const view = mortal(store, writes)
        const world = dispatchWorld({
          store,
          view,
          clock,
          agent,
          reply: async ({ inReplyTo, text }, within) => {
            await settled(1)
            store.transaction(() => {
              within()
              replied.push({ question: inReplyTo, turn: text })
            })
          }
        })
        const open = store.inbox.inStates(['received', 'dispatching', 'adopted'], rows.length)
        world.start()
        for (const row of open) {
          world.dispatch.add(row)
          if (row.seq % 2 === 0) await settled(1)
        }
        for (let i = 0; i < (last ? 90 : 4); i++) await clock.advance(last ? 60_000 : 1_000)
        await world.stop()
        expect([...broken, ...world.broken]).toEqual([])
      }

      for (const row of rows) {
        const { state } = store.inbox.get(row.instance, row.id) ?? {}
        expect(state, 'every message has its end').toMatch(/^(replied|done|unknown|rejected)$/)
        expect(turns, 'every message had its turn').toContain(row.id)
        const answering = new Set(replied.filter(({ question }) => question === row.id).map(({ turn }) => turn))
        expect(answering.size, 'answers of one turn where the row says so, none elsewhere').toBe(
          state === 'replied' ? 1 : 0
        )
      }
      for (const own of Object.values(Object.groupBy(rows, row => `${row.instance} ${row.conversation}`))) {
        const inLane = own?.map(({ id }) => id) ?? []
        expect(
          turns.filter(id => inLane.includes(id)),
          'first turns in the order of seq'
        ).toEqual(inLane)
      }
    }
  )
  await fc.assert(property, { numRuns: 60, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true })
}, 90_000)
