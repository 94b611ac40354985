import type { Uint8ArrayList } from 'uint8arraylist'
import { ProtocolError } from '../protocol/index.ts'

/** Seven bits of the length in each byte of a varint. */
const VARINT_BITS = 7

/** Two million is more than any cap of ours, so a fourth byte cannot belong to a frame that we would read. */
const VARINT_MAX_BYTES = 3

/**
 * Cuts frames out of a byte stream: an unsigned varint with the length, then that many bytes.
 *
 * Memory is one frame at most, whatever the chunks look like; a frame that lies within one chunk is not copied.
 */
export class FrameReader {
  readonly #maxBytes: number
  #length = 0
  #lengthBytes = 0
  #body: Uint8Array | undefined
  #filled = 0

  constructor(init: { maxBytes: number }) {
    this.#maxBytes = init.maxBytes
  }

  /** True while a frame has begun and not ended. */
  get partial(): boolean {
    return this.#lengthBytes > 0 || this.#body !== undefined
  }

  /**
   * Calls back with each frame that the chunk completes.
   *
   * @throws ProtocolError `frame_too_large`, `frame_malformed` (empty frame, length not in its shortest form); the reader is of no use after it
   */
  push(chunk: Uint8Array | Uint8ArrayList, onFrame: (frame: Uint8Array) => void): void {
    const bytes = plain(chunk instanceof Uint8Array ? chunk : chunk.subarray())
    let at = 0
    while (at < bytes.length) {
      if (this.#body !== undefined) {
        at += this.#fill(this.#body, bytes.subarray(at), onFrame)
        continue
      }
      const length = this.#readLength(bytes[at++] ?? 0)
      if (length === undefined) continue
      if (bytes.length - at >= length) {
        onFrame(bytes.subarray(at, at + length))
        at += length
      } else {
        this.#body = new Uint8Array(length)
        this.#filled = 0
      }
    }
  }

  #readLength(byte: number): number | undefined {
    this.#length += (byte & 0x7f) << (VARINT_BITS * this.#lengthBytes++)
    const more = (byte & 0x80) !== 0
    if (this.#length > this.#maxBytes || (more && this.#lengthBytes === VARINT_MAX_BYTES)) {
      throw new ProtocolError('frame_too_large')
    }
    if (more) return undefined
    if (byte === 0) throw new ProtocolError('frame_malformed')
    const length = this.#length
    this.#length = 0
    this.#lengthBytes = 0
    return length
  }

  #fill(body: Uint8Array, bytes: Uint8Array, onFrame: (frame: Uint8Array) => void): number {
    const taken = bytes.subarray(0, body.length - this.#filled)
    body.set(taken, this.#filled)
    this.#filled += taken.length
    if (this.#filled === body.length) {
      this.#body = undefined
      onFrame(body)
    }
    return taken.length
  }
}

/** The same bytes as a Uint8Array proper: sockets give Buffers, whose slice() means something else. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Bytes of the varint that says this length. */
export function prefixBytes(length: number): number {
  let bytes = 1
  for (let rest = length >>> VARINT_BITS; rest > 0; rest >>>= VARINT_BITS) bytes++
  return bytes
}

/** The frames with their lengths before them, in one piece. */
export function joinFrames(frames: Uint8Array[]): Uint8Array {
  const total = frames.reduce((sum, frame) => sum + prefixBytes(frame.length) + frame.length, 0)
  const joined = new Uint8Array(total)
  let at = 0
  for (const frame of frames) {
    let rest = frame.length
    for (; rest > 0x7f; rest >>>= VARINT_BITS) joined[at++] = (rest & 0x7f) | 0x80
    joined[at++] = rest
    joined.set(frame, at)
    at += frame.length
  }
  return joined
}
