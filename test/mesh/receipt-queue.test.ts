import { beforeEach, expect, it } from 'vitest'
import { ReceiptQueue } from '../../src/mesh/receipt-queue.ts'
import type { Frame, Receipt, ReceiptOutcome } from '../../src/protocol/index.ts'
import { RECEIPTS_MAX } from '../../src/protocol/index.ts'
import { settled } from '../fakes/clock.ts'
import { FakeLog } from '../fakes/log.ts'

let frames: Receipt[][]
let open: boolean
let ended: string[]
let queue: ReceiptQueue

beforeEach(() => {
  frames = []
  open = true
  ended = []
  queue = new ReceiptQueue({
    network: {
      send: (_peer: string, frame: Frame) => {
        if (open && frame.type === 'receipts') frames.push(frame.receipts)
        return open
      },
      disconnect: async peer => {
        ended.push(peer)
      }
    },
    log: new FakeLog()
  })
  queue.linkUp('bob')
})

function receipt(n: number, outcome: ReceiptOutcome = 'received'): Receipt {
  return { id: n.toString(16).padStart(32, '0'), attempt: 1, hash: new Uint8Array(32), outcome, reason: 'none' }
}

it('shares a frame among the receipts of one turn, the newest of each message', async () => {
  queue.add('bob', [receipt(1), receipt(2)])
  queue.add('bob', [receipt(1, 'delivered')])
  await settled(1)
  expect(frames.map(frame => frame.map(({ outcome }) => outcome))).toEqual([['received', 'delivered']])
})

it('S-30: a level that waits for a full link is not taken back by the receipt of a repeat', async () => {
  open = false
  queue.add('bob', [receipt(1, 'delivered'), receipt(2, 'answered')])
  await settled(1)
  queue.add('bob', [receipt(1), receipt(2, 'delivered'), receipt(3, 'received')])
  queue.add('bob', [receipt(3, 'rejected')])
  await settled(1)
  open = true
  queue.drained('bob')
  const told = frames.flat().map(({ id, outcome }) => `${Number.parseInt(id, 16)} ${outcome}`)
  expect(told.toSorted()).toEqual(['1 delivered', '2 answered', '3 rejected'])
})

it('keeps frames within their cap', async () => {
  queue.add(
    'bob',
    Array.from({ length: RECEIPTS_MAX + 1 }, (_, i) => receipt(i))
  )
  await settled(1)
  expect(frames.map(({ length }) => length)).toEqual([RECEIPTS_MAX, 1])
})

it('waits for a full link and sends what it kept', async () => {
  open = false
  queue.add('bob', [receipt(1)])
  await settled(1)
  open = true
  queue.add('bob', [receipt(2)])
  await settled(1)
  expect(frames).toEqual([])
  queue.drained('bob')
  expect(frames.map(({ length }) => length)).toEqual([2])
})

it('forgets with the link, and keeps nothing for who has none', async () => {
  queue.add('bob', [receipt(1)])
  queue.add('carol', [receipt(1)])
  queue.linkDown('bob')
  await settled(1)
  queue.linkUp('bob')
  queue.drained('bob')
  expect(frames).toEqual([])
})

it('ends the link of a peer that does not read its receipts', async () => {
  open = false
  for (let i = 0; i < 6_000; i += 100)
    queue.add(
      'bob',
      Array.from({ length: 100 }, (_, n) => receipt(i + n))
    )
  expect(ended).toEqual(['bob'])
})

it('goes on for everybody else after it gave one peer up', async () => {
  open = false
  queue.linkUp('carol')
  queue.add(
    'bob',
    Array.from({ length: 5_000 }, (_, n) => receipt(n))
  )
  await settled(1)
  queue.add(
    'bob',
    Array.from({ length: 200 }, (_, n) => receipt(5_000 + n))
  )
  expect(ended).toEqual(['bob'])
  open = true
  queue.add('carol', [receipt(1)])
  await settled(1)
  expect(frames.map(({ length }) => length)).toEqual([1])
})

it('S-24: a deferral takes no level away, and goes out once', async () => {
  queue.add('bob', [receipt(1)])
  queue.add('bob', [receipt(1, 'deferred'), receipt(1, 'deferred')])
  await settled(1)
  queue.add('bob', [receipt(2)])
  await settled(1)
  expect(frames.map(frame => frame.map(({ outcome }) => outcome))).toEqual([['received', 'deferred'], ['received']])
})

it('R-06: what a full link did not take goes out on the one that takes over from it, of which the sender may not be told', async () => {
  open = false
  queue.add('bob', [receipt(1, 'delivered'), receipt(2, 'delivered')])
  await settled(1)
  queue.linkDown('bob')
  queue.add('bob', [receipt(3, 'delivered')])
  open = true
  queue.linkUp('bob')
  await settled(1)
  expect(frames).toEqual([[receipt(1, 'delivered'), receipt(2, 'delivered')]])
  queue.linkDown('bob')
  queue.linkUp('bob')
  await settled(1)
  expect(frames).toHaveLength(1)
})

it('S-12: keeps what was not sent for the latest 32 peers only', async () => {
  open = false
  for (let number = 0; number < 100; number++) {
    queue.linkUp(`peer ${number}`)
    queue.add(`peer ${number}`, [receipt(number)])
    queue.linkDown(`peer ${number}`)
  }
  expect(queue.gauges().find(({ name }) => name === 'peers with unsent receipts')).toMatchObject({ size: 32, max: 32 })
  open = true
  queue.linkUp('peer 99')
  queue.linkUp('peer 0')
  await settled(1)
  expect(frames).toEqual([[receipt(99)]])
})
