import { streamPair } from '@libp2p/utils'
import { expect, it } from 'vitest'
import { Circuit } from '../../src/node/relay-server-circuit.ts'
import type { Spent } from '../../src/node/relay-server-meter.ts'

/** A circuit between two streams of a relay, whose shares hold so many bytes. */
async function between(leftBytes: number) {
  const [near] = await streamPair()
  const [far, holder] = await streamPair()
  let left = leftBytes
  const ends: Circuit[] = []
  const circuit = new Circuit(near, {
    holder: 'holder',
    dialler: 'dialler',
    stranger: false,
    host: '192.0.2.1',
    charge: bytes => {
      left -= bytes
      return left > 0 ? undefined : ('holder' satisfies Spent)
    },
    onEnd: ended => ends.push(ended)
  })
  circuit.join(far)
  let arrived = 0
  holder.addEventListener('message', ({ data }) => {
    arrived += data.byteLength
  })
  return { circuit, near, far, ends, arrived: () => arrived }
}

it('S-14: sends what is within the share and nothing of a piece that goes past it', async () => {
  const { circuit, near, far, ends, arrived } = await between(100_000)
  far.send(new Uint8Array(60_000))
  await expect.poll(arrived).toBe(60_000)
  expect(circuit.carries).toBe(true)
  // One piece, as it comes from a side that was paused.
  far.send(new Uint8Array(4_000_000))
  expect(ends).toEqual([circuit])
  expect({ ended: circuit.ended, bytes: circuit.bytes }).toEqual({ ended: 'holder', bytes: 60_000 })
  expect([near.status, far.status]).toEqual(['aborted', 'aborted'])
  await new Promise(resolve => setImmediate(resolve))
  expect(arrived()).toBe(60_000)
})
