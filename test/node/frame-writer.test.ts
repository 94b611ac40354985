import { streamPair } from '@libp2p/utils'
import { expect, it, vi } from 'vitest'
import { FrameReader } from '../../src/node/frame-reader.ts'
import { FrameWriter } from '../../src/node/frame-writer.ts'

/** Each wait ends as soon as its condition holds. */
const eventually = { timeout: 10_000, interval: 10 }

async function setup(init: { bufferMaxBytes?: number; stallMs?: number } = {}) {
  const [near, far] = await streamPair()
  const onDrained = vi.fn()
  const onFailed = vi.fn()
  const send = vi.spyOn(near, 'send')
  const writer = new FrameWriter({ stream: near }, { ...init, onDrained, onFailed })
  const frames: Uint8Array[] = []
  const reader = new FrameReader({ maxBytes: 65_536 })
  far.addEventListener('message', event => reader.push(event.data, frame => frames.push(frame)))
  return { near, far, writer, frames, send, onDrained, onFailed }
}

it('writes all frames of one turn at once', async () => {
  const { writer, frames, send } = await setup()
  for (let number = 0; number < 200; number++) expect(writer.write(Uint8Array.of(number))).toBe(true)
  await Promise.resolve()
  for (let number = 0; number < 55; number++) writer.write(Uint8Array.of(number))
  await vi.waitFor(() => expect(frames).toHaveLength(255), eventually)
  expect(send).toHaveBeenCalledTimes(1)
  expect(frames[199]).toEqual(Uint8Array.of(199))
})

it('S-10: refuses frames beyond the buffer and tells of room once', async () => {
  const { writer, frames, onDrained } = await setup({ bufferMaxBytes: 10_000 })
  const frame = new Uint8Array(1_000)
  let accepted = 0
  while (writer.write(frame)) accepted++
  expect(accepted).toBe(9)
  expect(writer.waitingBytes).toBeLessThanOrEqual(10_000)
  expect(onDrained).not.toHaveBeenCalled()
  await vi.waitFor(() => expect(frames).toHaveLength(9), eventually)
  expect(onDrained).toHaveBeenCalledTimes(1)
  expect(writer.write(frame)).toBe(true)
})

it('S-10: gives up on a peer that does not read', async () => {
  const { near, writer, onFailed, onDrained } = await setup({ bufferMaxBytes: 10_000, stallMs: 50 })
  vi.spyOn(near, 'send').mockImplementation(() => {
    near.writableNeedsDrain = true
    return false
  })
  writer.write(new Uint8Array(5_000))
  await vi.waitFor(() => expect(onFailed).toHaveBeenCalledTimes(1), eventually)
  expect(onDrained).not.toHaveBeenCalled()
})

it('holds frames back while the stream is full and sends them after its drain', async () => {
  const { near, writer, frames, send } = await setup()
  near.writableNeedsDrain = true
  writer.write(Uint8Array.of(1))
  await new Promise(resolve => setImmediate(resolve))
  expect(send).not.toHaveBeenCalled()
  writer.write(Uint8Array.of(2))
  near.safeDispatchEvent('drain')
  await vi.waitFor(() => expect(frames).toHaveLength(2), eventually)
  expect(send).toHaveBeenCalledTimes(1)
})

it('writes what waits before it closes, and nothing after', async () => {
  const { writer, frames, far } = await setup()
  const ended = new Promise(resolve => far.addEventListener('remoteCloseWrite', resolve))
  writer.write(Uint8Array.of(1))
  await writer.close()
  await ended
  expect(frames).toEqual([Uint8Array.of(1)])
  expect(writer.write(Uint8Array.of(2))).toBe(false)
})

it('says that a broken stream failed', async () => {
  const { near, writer, onFailed } = await setup()
  near.abort(new Error('gone'))
  writer.write(Uint8Array.of(1))
  await vi.waitFor(() => expect(onFailed).toHaveBeenCalledTimes(1), eventually)
})
