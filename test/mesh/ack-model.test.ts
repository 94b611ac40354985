import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReceiptLevel } from '../../src/protocol/index.ts'
import { AckWorld, type Event, type Said } from './ack-world.ts'

const LEVELS: ReceiptLevel[] = ['received', 'delivered', 'answered']

const wait = (level: ReceiptLevel, { of = 0, long = false } = {}): Event => ({ do: 'wait', of, level, long })
const says = (said: Said, of = 0): Event => ({ do: 'receipt', of, says: said })
const answer = (of = 0): Event => ({ do: 'answer', of })
const pass: Event = { do: 'pass', long: false }
const later: Event = { do: 'pass', long: true }
const link: Event = { do: 'link' }
const deaf: Event = { do: 'deaf' }
const restart: Event = { do: 'restart' }
const crash: Event = { do: 'crash' }

/** Every order of these, each once: equal ones do not change places with each other. */
function* orders<T>(items: T[]): Generator<T[]> {
  if (items.length === 0) yield []
  for (const [index, item] of items.entries()) {
    if (items.indexOf(item) < index) continue
    for (const rest of orders(items.toSpliced(index, 1))) yield [item, ...rest]
  }
}

/** Every word of this length. */
function* words<T>(letters: T[], length: number): Generator<T[]> {
  if (length === 0) yield []
  else for (const letter of letters) for (const rest of words(letters, length - 1)) yield [letter, ...rest]
}

type Pair = readonly [ReceiptLevel, ReceiptLevel]

const ALL_PAIRS: Pair[] = LEVELS.flatMap(one => LEVELS.map(other => [one, other] as const))

/** Where there are more orders: the first waits for less, for more, or for the same. */
const SOME_PAIRS: Pair[] = [
  ['received', 'answered'],
  ['answered', 'delivered'],
  ['delivered', 'delivered']
]

async function run(events: Event[], messages: number): Promise<void> {
  try {
    const world = await AckWorld.create(messages)
    for (const event of events) await world.play(event)
    await world.end()
  } catch (error) {
    throw new Error(`${events.map(event => JSON.stringify(event)).join('\n')}\n${error}`, { cause: error })
  }
}

/** Plays them all, and returns how many there were. */
async function runAll(plans: Iterable<Event[]>, messages = 1): Promise<number> {
  let count = 0
  for (const plan of plans) {
    await run(plan, messages)
    count++
  }
  return count
}

const SLOW = { timeout: 300_000 }

describe('two waits for one message', () => {
  it.each(SOME_PAIRS)(
    'for %s and %s: every order of receipts, a deadline, a lost link and a new one',
    SLOW,
    async (one, other) => {
      const events = [wait(one), wait(other, { long: true }), says('received'), says('delivered'), pass, link, link]
      expect(await runAll(orders(events))).toBe(2_520)
    }
  )

  it.each(ALL_PAIRS)(
    'for %s and %s: every order of an answer, its receipt, a deadline and a restart',
    SLOW,
    async (one, other) => {
      const events = [wait(one), wait(other, { long: true }), says('answered'), answer(), pass, restart]
      expect(await runAll(orders(events))).toBe(720)
    }
  )

  it.each(ALL_PAIRS)('for %s and %s: every order of refusals, a crash and a new link', SLOW, async (one, other) => {
    const events = [wait(one), wait(other, { long: true }), says('no_reply'), says('rejected'), crash, link]
    expect(await runAll(orders(events))).toBe(720)
  })

  it.each(SOME_PAIRS)(
    'for %s and %s: every order of a receipt that a live link loses, a long time and an expiry',
    SLOW,
    async (one, other) => {
      const expire: Event = { do: 'expire', of: 0 }
      const events = [wait(one), wait(other, { long: true }), deaf, says('delivered'), later, expire]
      expect(await runAll(orders(events))).toBe(720)
    }
  )
})

describe('two messages', () => {
  it('every order of a wait and a receipt for each, a deadline and a lost link', SLOW, async () => {
    const events = [wait('delivered'), wait('received', { of: 1 }), says('delivered'), says('received', 1), pass, link]
    expect(await runAll(orders(events), 2)).toBe(720)
  })

  it('every order of a wait and an answer for each, an abort, a crash and a new link', SLOW, async () => {
    const events: Event[] = [
      wait('answered'),
      wait('answered', { of: 1, long: true }),
      answer(),
      answer(1),
      { do: 'abort', which: 0 },
      crash,
      link
    ]
    expect(await runAll(orders(events), 2)).toBe(5_040)
  })
})

it('every sequence of four events of nine, after a first wait', SLOW, async () => {
  const letters: Event[] = [
    wait('answered'),
    says('received'),
    says('delivered'),
    says('rejected'),
    answer(),
    pass,
    link,
    restart,
    { do: 'abort', which: 0 }
  ]
  const plans = words(letters, 4).map(plan => [wait('delivered'), ...plan])
  expect(await runAll(plans)).toBe(letters.length ** 4)
})

it('R-07 R-08: every wait ends once, with what is true then, in long lives of three messages too', SLOW, async () => {
  const of = fc.nat(2)
  const event: fc.Arbitrary<Event> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        of,
        level: fc.constantFrom(...LEVELS),
        long: fc.boolean()
      })
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('receipt' as const),
        of,
        says: fc.constantFrom<Said>('received', 'delivered', 'no_reply', 'answered', 'rejected')
      })
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('answer' as const), of }) },
    fc.record({ do: fc.constant('expire' as const), of }),
    fc.record({ do: fc.constant('abort' as const), which: fc.nat(9) }),
    { weight: 3, arbitrary: fc.constantFrom<Event>(pass, later) },
    { weight: 4, arbitrary: fc.constantFrom<Event>(link, link, deaf, restart, crash) }
  )
  const property = fc.asyncProperty(fc.array(event, { maxLength: 40 }), events => run(events, 3))
  await fc.assert(property, { numRuns: 1_000 })
})
