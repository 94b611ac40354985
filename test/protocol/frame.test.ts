import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeContent,
  decodeFrame,
  decodePairFrame,
  decodeRouteRecord,
  encodeContent,
  encodeFrame,
  encodePairFrame,
  encodeRouteRecord,
  FRAME_MAX_BYTES,
  peekContent
} from '../../src/protocol/index.ts'
import { contents, envelopes, frames, pairFrames, routeRecords } from './arbitraries.ts'
import { bytesField, codeOf, join, numberField } from './proto.ts'

/** How many mutated frames the fuzz tests read in all. The long lanes set it higher. */
const FUZZ_FRAMES = Number(process.env['FUZZ_FRAMES'] ?? 100_000)
const MUTATIONS_PER_FRAME = 100
const HANG_MS = 50

const nothing = new Uint8Array(0)

describe('frame', () => {
  it('goes to bytes and back', () => {
    fc.assert(
      fc.property(frames, frame => {
        expect(decodeFrame(encodeFrame(frame))).toEqual(frame)
      }),
      { numRuns: 300 }
    )
  })

  it('read from a Buffer holds plain bytes', () => {
    const envelope = { signed: Uint8Array.of(1), sig: new Uint8Array(64), sides: 0, path: [new Uint8Array(32)] }
    const frame = decodeFrame(Buffer.from(encodeFrame({ type: 'envelope', envelope })))
    expect(frame).toEqual({ type: 'envelope', envelope })
    expect(frame.type === 'envelope' && Object.getPrototypeOf(frame.envelope.signed)).toBe(Uint8Array.prototype)
  })

  it('ignores fields of later versions beside what it knows', () => {
    fc.assert(
      fc.property(frames, fc.uint8Array({ maxLength: 50 }), (frame, extra) => {
        expect(decodeFrame(join(bytesField(9, extra), encodeFrame(frame), numberField(8, 7)))).toEqual(frame)
      })
    )
  })

  it('holds exactly one thing', () => {
    fc.assert(
      fc.property(frames, frames, (one, two) => {
        expect(codeOf(() => decodeFrame(join(encodeFrame(one), encodeFrame(two))))).toBe('frame_malformed')
      })
    )
    expect(codeOf(() => decodeFrame(nothing))).toBe('frame_malformed')
    expect(codeOf(() => decodeFrame(bytesField(4, nothing)))).toBe('frame_unknown')
  })

  it('S-09: is refused above 64 KiB before it is read', () => {
    const full = join(bytesField(4, new Uint8Array(FRAME_MAX_BYTES - 4)))
    expect(full.length).toBe(FRAME_MAX_BYTES)
    expect(codeOf(() => decodeFrame(full))).toBe('frame_unknown')
    expect(codeOf(() => decodeFrame(new Uint8Array(FRAME_MAX_BYTES + 1)))).toBe('frame_too_large')
  })

  it('S-09: cut short is refused at every byte', () => {
    fc.assert(
      fc.property(frames, frame => {
        const bytes = encodeFrame(frame)
        for (let length = 0; length < bytes.length; length++) {
          expect(
            codeOf(() => decodeFrame(bytes.subarray(0, length))),
            `${length} bytes`
          ).toBe('frame_malformed')
        }
      }),
      { numRuns: 30 }
    )
  })

  it('S-09: deep and wide nonsense ends at once', () => {
    for (const byte of [0x0b, 0x0a, 0x12, 0x1a, 0x80, 0xff, 0x00]) {
      const bytes = new Uint8Array(FRAME_MAX_BYTES).fill(byte)
      expect(
        quickestMs(() => codeOf(() => decodeFrame(bytes))),
        `64 KiB of ${byte}`
      ).toBeLessThan(HANG_MS)
      expect(codeOf(() => decodeFrame(bytes))).toBe('frame_malformed')
    }
  })

  it('S-09, S-27: random bytes end in a value or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        for (const read of [decodeFrame, decodePairFrame, decodeContent, decodeRouteRecord, peekContent])
          codeOf(() => read(bytes))
      }),
      { numRuns: 5000 }
    )
  })

  const samples: [string, fc.Arbitrary<Uint8Array>, (bytes: Uint8Array) => unknown][] = [
    ['frames', frames.map(encodeFrame), decodeFrame],
    ['envelope frames', envelopes.map(envelope => encodeFrame({ type: 'envelope', envelope })), decodeFrame],
    ['signed parts', contents.map(encodeContent), decodeContent],
    ['route records', routeRecords.map(encodeRouteRecord), decodeRouteRecord],
    ['pair frames', pairFrames.map(encodePairFrame), decodePairFrame]
  ]

  it.each(samples)(
    'S-09, S-27: mutated %s end in a value or a ProtocolError, at once, and leave no trace',
    (_, sample, read) => {
      const prototype = Object.getOwnPropertyNames(Object.prototype)
      fc.assert(
        fc.property(sample, fc.integer({ min: 1 }), (bytes, seed) => {
          const random = xorshift(seed)
          for (let i = 0; i < MUTATIONS_PER_FRAME; i++) {
            const mutant = mutate(bytes, random)
            const ms = quickestMs(() => codeOf(() => read(mutant)))
            if (ms >= HANG_MS) throw new Error(`${ms} ms for ${Buffer.from(mutant).toString('hex')}`)
          }
        }),
        { numRuns: Math.ceil(FUZZ_FRAMES / samples.length / MUTATIONS_PER_FRAME) }
      )
      expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype)
    }
  )

  it('S-27: what was read can be written, and reads the same again', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1 }), (frame, seed) => {
        const mutant = mutate(encodeFrame(frame), xorshift(seed))
        if (codeOf(() => decodeFrame(mutant)) !== undefined) return
        const read = decodeFrame(mutant)
        if (read.type === 'receipts' && read.receipts.length === 0) return
        expect(decodeFrame(encodeFrame(read))).toEqual(read)
      }),
      { numRuns: 5000 }
    )
  })
})

/** What the work takes at its best of three: the machine may be busy once, bytes that hang the reader hang it each time. */
function quickestMs(work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3 && best >= HANG_MS; i++) {
    const start = performance.now()
    work()
    best = Math.min(best, performance.now() - start)
  }
  return best
}

/** Numbers from 0 to 2^32 - 1. */
function xorshift(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

/** One to four small changes: a byte, a bit, a cut, a copy of a part, a number that means something to protobuf. */
function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  let mutant = bytes
  for (let changes = 1 + (random() % 4); changes > 0; changes--) {
    const at = random() % (mutant.length + 1)
    const to = at + (random() % 20)
    switch (random() % 6) {
      case 0:
        mutant = mutant.map((byte, i) => (i === at ? random() : byte))
        break
      case 1:
        mutant = mutant.map((byte, i) => (i === at ? byte ^ (1 << (random() % 8)) : byte))
        break
      case 2:
        mutant = join(mutant.subarray(0, at), mutant.subarray(to))
        break
      case 3:
        mutant = join(mutant.subarray(0, to), mutant.subarray(at))
        break
      case 4:
        mutant = mutant.subarray(0, at)
        break
      default:
        mutant = join(
          mutant.subarray(0, at),
          INTERESTING[random() % INTERESTING.length] ?? nothing,
          mutant.subarray(at)
        )
    }
  }
  return mutant
}

/** Negative and huge lengths, groups, field 0, overlong numbers, bad UTF-8, a key that is special in JavaScript. */
const INTERESTING = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
  [0x80, 0x00],
  [0x00],
  [0x0b],
  [0x0c],
  [0x0f],
  [0x08, 0x01],
  [0xed, 0xa0, 0x80],
  [...new TextEncoder().encode('__proto__')]
].map(list => Uint8Array.from(list))
