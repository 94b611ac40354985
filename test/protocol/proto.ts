import { ProtocolError, type ProtocolErrorCode } from '../../src/protocol/index.ts'

/** A second, independent writer of the protobuf encoding, which also writes what no honest codec does. */

export function varint(value: number | bigint, padding = 0): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt(value)
  do {
    bytes.push(Number(rest & 0x7fn))
    rest >>= 7n
  } while (rest > 0n)
  for (let i = 0; i < padding; i++) bytes.push(0)
  return Uint8Array.from(bytes, (byte, i) => (i < bytes.length - 1 ? byte | 0x80 : byte))
}

export function bytesField(number: number, bytes: Uint8Array): Uint8Array {
  return join(varint(number * 8 + 2), varint(bytes.length), bytes)
}

export function textField(number: number, text: string): Uint8Array {
  return bytesField(number, new TextEncoder().encode(text))
}

/** Padding makes the number longer than it needs to be. */
export function numberField(number: number, value: number | bigint, padding = 0): Uint8Array {
  return join(varint(number * 8), varint(value, padding))
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** The code of the `ProtocolError` that `work` throws; undefined when it throws nothing. Any other error goes on. */
export function codeOf(work: () => unknown): ProtocolErrorCode | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
}
