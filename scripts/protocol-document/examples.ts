import {
  ENVELOPE_KINDS,
  fromHex,
  hashOf,
  peerIdOf,
  REASONS,
  RECEIPT_LEVELS,
  RECEIPT_REFUSALS,
  signedBytesOf,
  toHex
} from '../../src/protocol/index.ts'
import { leafHash } from '../../src/protocol/merkle.ts'
import { annotated, messagesOf, type Names } from './annotate.ts'

interface KeyVector {
  seed: string
  publicKey: string
  peerId: string
  fingerprint: string
  label: string
  instanceId: string
}

interface GroupVector {
  root: string
  sig: string
  envelopes: Array<{ signed: string; sides: number; path: string[] }>
}

interface SaidVector {
  what: string
  from: string
  bytes: string
}

interface BroadcastVector {
  topic: string
  conversation: string
}

/** Hex digits of a fingerprint: 120 bits. */
const FINGERPRINT_DIGITS = 30

/** How one key becomes a peer id and an instance id. */
export function identityExample(keys: string): string {
  const [key] = JSON.parse(keys) as KeyVector[]
  if (key === undefined) throw new Error('keys.json is empty')
  const hash = toHex(hashOf(bytesOf(key.publicKey)))
  const multihash = `002408011220${key.publicKey}`
  if (peerIdOf(bytesOf(key.publicKey)) !== key.peerId) throw new Error('keys.json is not what the source says')
  return block([
    ['seed (RFC 8032 private key)', key.seed],
    ['public key', key.publicKey],
    ['identity multihash', multihash],
    ['peer id, its base58btc', key.peerId],
    ['SHA-256 of the public key', hash],
    ['its first 15 bytes', hash.slice(0, FINGERPRINT_DIGITS)],
    ['fingerprint, their base32', key.fingerprint],
    ['label', key.label],
    ['instance id', key.instanceId]
  ])
}

/** The tree of three, hash by hash. */
export function merkleExample(groups: string): string {
  const group = (JSON.parse(groups) as GroupVector[]).find(({ envelopes }) => envelopes.length === 3)
  if (group === undefined) throw new Error('groups.json has no group of three')
  const leaves = group.envelopes.map(({ signed }) => leafHash(bytesOf(signed)))
  const [first, second, third] = leaves.map(toHex)
  const node = toHex(hashOf(bytesOf(`01${first}${second}`)))
  const paths = group.envelopes.flatMap(({ sides, path }, i): [string, string][] => [
    [`envelope ${i}: sides, path[0]`, `${sides}, ${path[0]}`],
    ...path.slice(1).map((hash, j): [string, string] => [`            path[${j + 1}]`, hash])
  ])
  return block([
    ['L0 = leaf(signed 0)', `${first}`],
    ['L1 = leaf(signed 1)', `${second}`],
    ['L2 = leaf(signed 2)', `${third}`],
    ['N  = node(L0, L1)', node],
    ['root = node(N, L2)', group.root],
    ...paths,
    ['bytes to sign', toHex(signedBytesOf(bytesOf(group.root)))],
    ['sig', group.sig]
  ])
}

export function topicExample(broadcasts: string): string {
  const [vector] = JSON.parse(broadcasts) as BroadcastVector[]
  if (vector === undefined) throw new Error('broadcasts.json is empty')
  return block([
    ['topic', vector.topic],
    ['hashed bytes', toHex(new TextEncoder().encode(`libp2p-mesh/1/topic\0${vector.topic}`))],
    ['conversation', vector.conversation]
  ])
}

/** The whole exchange, each byte with its meaning. */
export function exchangeExample(exchange: string, proto: string): string {
  const messages = messagesOf(proto)
  return (JSON.parse(exchange) as SaidVector[])
    .map(({ what, from, bytes }, i) => {
      const dump = annotated(bytesOf(bytes), messages, NAMES).join('\n')
      return `**${i + 1}. ${from}.** ${what}\n\n\`\`\`text\n${dump}\n\`\`\``
    })
    .join('\n\n')
}

const NAMES: Names = {
  'Signed.kind': byNumber(ENVELOPE_KINDS),
  'Hello.kinds': byNumber(ENVELOPE_KINDS),
  'Receipt.level': byNumber({ ...RECEIPT_LEVELS, ...RECEIPT_REFUSALS }),
  'Receipt.reason': byNumber(REASONS)
}

function byNumber(numbers: Readonly<Record<string, number>>): Record<number, string> {
  return Object.fromEntries(Object.entries(numbers).map(([word, number]) => [number, word]))
}

function block(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return ['```text', ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`), '```'].join('\n')
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex)
  if (bytes === undefined) throw new Error('a vector is not hex')
  return bytes
}
