import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader, joinFrames, prefixBytes } from '../../src/node/frame-reader.ts'
import { decodeFrame, FRAME_MAX_BYTES, ProtocolError } from '../../src/protocol/index.ts'

const MAX = 1024

function read(chunks: Uint8Array[], maxBytes = MAX): { frames: Uint8Array[]; reader: FrameReader; error: unknown } {
  const reader = new FrameReader({ maxBytes })
  const frames: Uint8Array[] = []
  try {
    for (const chunk of chunks) reader.push(chunk, frame => frames.push(frame.slice()))
    return { frames, reader, error: undefined }
  } catch (error) {
    return { frames, reader, error }
  }
}

/** Cuts at the given points, which are taken modulo the length. */
function cut(bytes: Uint8Array, points: number[]): Uint8Array[] {
  const at = [0, ...points.map(point => point % (bytes.length + 1)), bytes.length].sort((one, other) => one - other)
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

describe('FrameReader', () => {
  it('gives back what joinFrames joined, wherever the chunks are cut', () => {
    const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: MAX }), { maxLength: 20 })
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (sent, points) => {
        const joined = joinFrames(sent)
        expect(joined.length).toBe(sent.reduce((sum, frame) => sum + prefixBytes(frame.length) + frame.length, 0))
        const result = read(cut(joined, points))
        expect(result.error).toBeUndefined()
        expect(result.frames).toEqual(sent)
        expect(result.reader.partial).toBe(false)
      }),
      { numRuns: 300 }
    )
  })

  it('takes single bytes and the largest frame', () => {
    const frame = new Uint8Array(FRAME_MAX_BYTES).fill(9)
    const result = read(
      [...joinFrames([frame])].map(byte => Uint8Array.of(byte)),
      FRAME_MAX_BYTES
    )
    expect(result.frames).toEqual([frame])
  })

  it('knows an unfinished frame', () => {
    expect(read([Uint8Array.of(0x80)]).reader.partial).toBe(true)
    expect(read([Uint8Array.of(5, 1, 2)]).reader.partial).toBe(true)
    expect(read([Uint8Array.of(1, 1)]).reader.partial).toBe(false)
  })

  it.each([
    ['an empty frame', [0], 'frame_malformed'],
    ['a length in more bytes than it needs', [0x81, 0x00], 'frame_malformed'],
    ['a zero in three bytes', [0x80, 0x80, 0x00], 'frame_malformed'],
    ['one byte too many', [0x81, 0x08], 'frame_too_large'],
    ['a length without end', [0x80, 0x80, 0x80], 'frame_too_large'],
    ['2^53', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], 'frame_too_large'],
    ['minus one', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 'frame_too_large']
  ])('S-09: refuses %s', (_name, bytes, code) => {
    for (const chunks of [[Uint8Array.from(bytes)], bytes.map(byte => Uint8Array.of(byte))]) {
      const { error, frames } = read(chunks)
      expect(error).toBeInstanceOf(ProtocolError)
      expect(error).toMatchObject({ code })
      expect(frames).toEqual([])
    }
  })

  it('S-09: random bytes end in frames or in a ProtocolError, and nothing is kept beyond one frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), chunks => {
        const reader = new FrameReader({ maxBytes: MAX })
        try {
          for (const chunk of chunks) {
            reader.push(chunk, frame => {
              expect(frame.length).toBeLessThanOrEqual(MAX)
              decodeFrame(frame)
            })
          }
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
        }
      }),
      { numRuns: 5_000 }
    )
  })
})
