import type { Random } from './random.ts'

/** Longest random input, and slice that is copied, dropped or put in. */
const RANDOM_MAX_BYTES = 512
const SLICE_MAX_BYTES = 64

/** Changes to one input: most are nearly right, for what is far from it is refused at the first byte. */
const CHANGES_MAX = 4

/** One in this many inputs is chance alone. */
const RANDOM_EVERY = 16

/** Lengths, tags and texts at which readers go wrong. */
const INTERESTING = [
  [0x00],
  [0x7f],
  [0x80, 0x01],
  [0xff, 0xff, 0x03],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xed, 0xa0, 0x80],
  [0xc0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x80, 0xae],
  [0x1b, 0x5b, 0x32, 0x4a],
  [...Buffer.from('__proto__')],
  [...Buffer.from('\\u0000')],
  [...Buffer.from('9'.repeat(40))],
  [...Buffer.from('['.repeat(40))]
].map(bytes => Uint8Array.from(bytes))

/** One of the corpus with a few changes, two of them joined, or chance alone. */
export function mutated(random: Random, corpus: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (random.below(RANDOM_EVERY) === 0) return random.bytes(random.below(RANDOM_MAX_BYTES))
  let bytes: Uint8Array<ArrayBuffer> = Uint8Array.from(random.oneOf(corpus))
  for (let change = random.below(CHANGES_MAX) + 1; change > 0; change--) bytes = changed(random, bytes, corpus)
  return bytes
}

function changed(
  random: Random,
  bytes: Uint8Array<ArrayBuffer>,
  corpus: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const at = random.below(bytes.length + 1)
  const length = Math.min(random.below(SLICE_MAX_BYTES), bytes.length - at)
  const slice = bytes.subarray(at, at + length)
  const before = bytes.subarray(0, at)
  switch (random.below(8)) {
    case 0:
      return flipped(bytes, at, 1 << random.below(8))
    case 1:
      return flipped(bytes, at, random.below(256))
    case 2:
      return before.slice()
    case 3:
      return joined(before, bytes.subarray(at + length))
    case 4:
      return joined(before, slice, slice, bytes.subarray(at + length))
    case 5:
      return joined(before, random.oneOf(INTERESTING), bytes.subarray(at))
    case 6:
      return joined(before, random.bytes(length), bytes.subarray(at + length))
    default: {
      const other = random.oneOf(corpus)
      return joined(before, other.subarray(random.below(other.length + 1)))
    }
  }
}

function flipped(bytes: Uint8Array<ArrayBuffer>, at: number, mask: number): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice()
  if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ mask
  return copy
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
