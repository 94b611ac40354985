import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leafHash, merkleRoot, merkleTree } from '../../src/protocol/merkle.ts'
import { bytesOf } from './arbitraries.ts'

function sha256(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest())
}

/** MTH of RFC 6962, section 2.1, word by word. */
function treeHash(inputs: Uint8Array[]): Uint8Array {
  const [first] = inputs
  if (first !== undefined && inputs.length === 1) return sha256(Uint8Array.of(0), first)
  let k = 1
  while (k * 2 < inputs.length) k *= 2
  return sha256(Uint8Array.of(1), treeHash(inputs.slice(0, k)), treeHash(inputs.slice(k)))
}

const inputsOf = (count: number) => Array.from({ length: count }, (_, i) => Uint8Array.of(i & 255, i >> 8))

describe('merkle tree', () => {
  it('is the one of RFC 6962, and every path leads to its root', () => {
    for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 100, 127, 128, 129]) {
      const inputs = inputsOf(count)
      const { root, paths } = merkleTree(inputs.map(leafHash))
      expect(root, `${count} leaves`).toEqual(treeHash(inputs))
      for (const [i, input] of inputs.entries()) {
        const path = paths[i] ?? { sides: 0, path: [] }
        expect(merkleRoot(leafHash(input), path), `leaf ${i} of ${count}`).toEqual(root)
        expect(path.path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(count)))
      }
    }
  })

  it('of one leaf is that leaf', () => {
    const leaf = leafHash(Uint8Array.of(7))
    expect(merkleTree([leaf])).toEqual({ root: leaf, paths: [{ sides: 0, path: [] }] })
  })

  it('has 4,096 leaves and 12 siblings at most', () => {
    const leaves = inputsOf(4096).map(leafHash)
    const { root, paths } = merkleTree(leaves)
    expect(Math.max(...paths.map(path => path.path.length))).toBe(12)
    expect(merkleRoot(leaves[4095] ?? root, paths[4095] ?? { sides: 0, path: [] })).toEqual(root)
    expect(() => merkleTree([...leaves, ...leaves])).toThrow(RangeError)
    expect(() => merkleTree([])).toThrow(RangeError)
  })

  it('leads nowhere else from another leaf, another side or another sibling', () => {
    const { root, paths } = merkleTree(inputsOf(13).map(leafHash))
    fc.assert(
      fc.property(fc.nat(12), bytesOf(32), fc.nat(), (at, stranger, random) => {
        const path = paths[at] ?? { sides: 0, path: [] }
        const bit = random % path.path.length
        expect(merkleRoot(stranger, path)).not.toEqual(root)
        const leaf = leafHash(Uint8Array.of(at, 0))
        expect(merkleRoot(leaf, { ...path, sides: path.sides ^ (1 << bit) })).not.toEqual(root)
        expect(merkleRoot(leaf, { ...path, path: path.path.with(bit, stranger) })).not.toEqual(root)
      })
    )
  })

  it('never takes an inner node for signed bytes', () => {
    const [left, right] = inputsOf(2).map(leafHash)
    if (left === undefined || right === undefined) throw new Error('two leaves')
    const { root } = merkleTree([left, right])
    expect(leafHash(new Uint8Array(Buffer.concat([left, right])))).not.toEqual(root)
  })
})
