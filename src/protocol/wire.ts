/**
 * A strict reading of protobuf, before the generated codec sees the bytes. Codecs differ in what they make of a repeated field, two members of a
 * oneof, a wrong wire type, an overlong varint, a length past the end of its message: here each is refused, so that all
 * implementations that accept some bytes read the same in them. Fields that the shape does not know are skipped.
 */

type Scalar = 'bool' | 'uint32' | 'uint64' | 'bytes' | 'string'

export interface Field {
  type: Scalar | Shape
  repeated?: true
  /** Only one field of a message with this mark may be there. */
  oneof?: true
}

/** Fields of one message by number, 1 to 31. */
export type Shape = Readonly<Record<number, Field>>

/** Why `checkWire` refused. Callers turn it into the code of their message. */
export class WireError extends Error {
  static override readonly name = 'WireError'
  override readonly name = 'WireError'
}

export interface Seen {
  /** Bit n: field n of the outermost message was there. */
  fields: number
  /** True when there were fields that the shape does not know. */
  unknown: boolean
}

/** Wire types of the protobuf encoding; 3 and 4, groups, are refused. */
const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

const FIELD_MAX = 31
const UINT32_MAX = 0xffff_ffff
/** Bytes of the largest varint that protobuf knows. */
const VARINT_MAX_BYTES = 10

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws {WireError} */
export function checkWire(bytes: Uint8Array, shape: Shape): Seen {
  return new Scan(bytes).message(bytes.length, shape)
}

class Scan {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  message(end: number, shape: Shape): Seen {
    const seen: Seen = { fields: 0, unknown: false }
    let member = false
    while (this.#at < end) {
      const tag = this.#uint(end, UINT32_MAX)
      const number = tag >>> 3
      if (number === 0) throw new WireError('field number 0')
      const field = number <= FIELD_MAX ? shape[number] : undefined
      if (field === undefined) {
        seen.unknown = true
        this.#skip(tag & 7, end)
        continue
      }
      const bit = 2 ** number
      if (field.repeated !== true && (seen.fields & bit) !== 0) throw new WireError(`field ${number} twice`)
      if (field.oneof === true && member) throw new WireError('two members of one choice')
      member ||= field.oneof === true
      seen.fields |= bit
      this.#value(field.type, tag & 7, end)
    }
    return seen
  }

  #value(type: Field['type'], wireType: number, end: number): void {
    const varint = type === 'bool' || type === 'uint32' || type === 'uint64'
    if (wireType !== (varint ? VARINT : LENGTH)) throw new WireError(`wire type ${wireType}`)
    if (type === 'bool') this.#uint(end, 1)
    else if (type === 'uint32') this.#uint(end, UINT32_MAX)
    else if (type === 'uint64') this.#uint(end, Number.MAX_SAFE_INTEGER)
    else this.#delimited(type, end)
  }

  #delimited(type: 'bytes' | 'string' | Shape, end: number): void {
    const length = this.#length(end)
    const stop = this.#at + length
    if (typeof type === 'object') this.message(stop, type)
    else if (type === 'string') this.#text(this.#at, stop)
    this.#at = stop
  }

  /** Reads a length and checks that so many bytes follow. */
  #length(end: number): number {
    const length = this.#uint(end, UINT32_MAX)
    if (length > end - this.#at) throw new WireError('length past the end')
    return length
  }

  #text(start: number, end: number): void {
    try {
      utf8.decode(this.#bytes.subarray(start, end))
    } catch (cause) {
      throw new WireError('text is not UTF-8', { cause })
    }
  }

  /** A varint in its shortest form. Arithmetic, not shifts: values go up to 2^53 - 1. */
  #uint(end: number, max: number): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#byte(end)
      value += (byte & 0x7f) * scale
      if (value > max) throw new WireError('number too large')
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw new WireError('overlong varint')
        return value
      }
      scale *= 0x80
      if (scale > max) throw new WireError('overlong varint')
    }
  }

  #skip(wireType: number, end: number): void {
    if (wireType === VARINT) this.#skipVarint(end)
    else if (wireType === LENGTH) this.#skipBytes(this.#length(end), end)
    else if (wireType === FIXED64) this.#skipBytes(8, end)
    else if (wireType === FIXED32) this.#skipBytes(4, end)
    else throw new WireError(`wire type ${wireType}`)
  }

  /** An unknown number may be any that protobuf knows, negative ones too. */
  #skipVarint(end: number): void {
    for (let i = 0; i < VARINT_MAX_BYTES; i++) if (this.#byte(end) < 0x80) return
    throw new WireError('overlong varint')
  }

  #skipBytes(count: number, end: number): void {
    if (count > end - this.#at) throw new WireError('length past the end')
    this.#at += count
  }

  #byte(end: number): number {
    const byte = this.#at < end ? this.#bytes[this.#at] : undefined
    if (byte === undefined) throw new WireError('cut short')
    this.#at++
    return byte
  }
}
