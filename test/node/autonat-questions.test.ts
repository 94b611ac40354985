import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ANSWER_MS, boundedQuestions } from '../../src/node/autonat-questions.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const connectionWith = (newStream: () => Promise<Stream>): Connection =>
  boundedQuestions({ newStream } as unknown as Connection)

it('S-12: a question to a peer that never opens its stream is given up in time', async () => {
  const opening = connectionWith(() => new Promise(() => undefined)).newStream('/question')
  const given = expect(opening).rejects.toThrow('no end within')
  await vi.advanceTimersByTimeAsync(ANSWER_MS)
  await given
})

it('S-12: a question that is not answered in time is given up, and one that was answered is let be', async () => {
  const ends: (() => void)[] = []
  const abort = vi.fn()
  const stream = { abort, addEventListener: (_: string, end: () => void) => ends.push(end) } as unknown as Stream
  await connectionWith(async () => stream).newStream('/question')
  await connectionWith(async () => stream).newStream('/question')
  ends[0]?.()
  await vi.advanceTimersByTimeAsync(ANSWER_MS)
  expect(abort).toHaveBeenCalledTimes(1)
})
