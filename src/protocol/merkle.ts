import { concat } from './bytes.ts'
import { hashOf } from './hash.ts'
import { MERKLE_PATH_MAX } from './limits.ts'

/** Leaves of one tree: a path of 12 siblings at most leads to the root. */
const GROUP_MAX = 2 ** MERKLE_PATH_MAX

/** The way from one leaf to the root: sibling hashes, leaf first; bit i of `sides` set: sibling i is on the left. */
export interface MerklePath {
  sides: number
  path: Uint8Array[]
}

export interface MerkleTree {
  root: Uint8Array
  paths: MerklePath[]
}

/** A leaf is never a node: the prefix keeps inner hashes from passing for signed bytes (RFC 6962, section 2.1). */
const LEAF = Uint8Array.of(0x00)
const NODE = Uint8Array.of(0x01)

export function leafHash(bytes: Uint8Array): Uint8Array {
  return hashOf(concat(LEAF, bytes))
}

/** Merkle tree hash over 1 to 4,096 leaf hashes: each subtree splits at the largest power of two below its size (RFC 6962, section 2.1). */
export function merkleTree(leaves: readonly Uint8Array[]): MerkleTree {
  if (leaves.length < 1 || leaves.length > GROUP_MAX) throw new RangeError(`a tree has 1 to ${GROUP_MAX} leaves`)
  const paths = leaves.map((): MerklePath => ({ sides: 0, path: [] }))
  return { root: subtree(leaves, paths), paths }
}

/** The root that a leaf and its path lead to. */
export function merkleRoot(leaf: Uint8Array, { sides, path }: MerklePath): Uint8Array {
  return path.reduce((hash, sibling, i) => (isLeft(sides, i) ? nodeHash(sibling, hash) : nodeHash(hash, sibling)), leaf)
}

function subtree(leaves: readonly Uint8Array[], paths: readonly MerklePath[]): Uint8Array {
  const [only] = leaves
  if (only !== undefined && leaves.length === 1) return only
  const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  const left = subtree(leaves.slice(0, split), paths.slice(0, split))
  const right = subtree(leaves.slice(split), paths.slice(split))
  for (const path of paths.slice(0, split)) path.path.push(right)
  for (const path of paths.slice(split)) {
    path.sides |= 1 << path.path.length
    path.path.push(left)
  }
  return nodeHash(left, right)
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hashOf(concat(NODE, left, right))
}

function isLeft(sides: number, i: number): boolean {
  return ((sides >>> i) & 1) === 1
}
