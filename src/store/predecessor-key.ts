import * as z from 'zod'
import type { Log } from '../mesh/ports.ts'
import { concat, equal } from '../protocol/bytes.ts'
import { PUBLIC_KEY_BYTES } from '../protocol/limits.ts'
import { SEED_BYTES } from './ed25519.ts'
import { keyUnreadable, readPrivateFile } from './private-file.ts'

/** The key file of `libp2p-mesh` up to 2026.6, and of `@openclaw/libp2p-mesh` before. */
export const PREDECESSOR_KEY_FILE = 'peer-id.json'

/** One of an Ed25519 key has some 220 bytes. With room for the longest foreign key, so that it is called that. */
const FILE_MAX_BYTES = 16 * 1024

/** Its one key. More beside it would say nothing of the identity. */
const fileSchema = z.object({ protobuf: z.base64() })

/** Fields of the protobuf in it: https://github.com/libp2p/js-libp2p, `PeerIdProto` of @libp2p/peer-id-factory. */
const ID = 1
const PUBLIC_KEY = 2
const PRIVATE_KEY = 3

/** Wire type of fields that hold bytes. */
const BYTES = 2

/** libp2p's PublicKey and PrivateKey protobufs of an Ed25519 key, up to its bytes (libp2p specs, peer-ids). */
const PUBLIC_HEADER = Uint8Array.of(0x08, 0x01, 0x12, PUBLIC_KEY_BYTES)
const PRIVATE_HEADER = Uint8Array.of(0x08, 0x01, 0x12, SEED_BYTES + PUBLIC_KEY_BYTES)

/** Identity multihash of a PublicKey protobuf. */
const ID_HEADER = Uint8Array.of(0x00, PUBLIC_HEADER.length + PUBLIC_KEY_BYTES)

/**
 * The predecessor's key, as libp2p's PrivateKey protobuf of 68 bytes; undefined where there is no such file. The file stays, closed to other users.
 *
 * @throws MeshError `key_unreadable`
 */
export function readPredecessorKey(path: string, { log }: { log?: Log | undefined } = {}): Uint8Array | undefined {
  const bytes = readPrivateFile(path, { maxBytes: FILE_MAX_BYTES, log })
  if (bytes === undefined) return undefined
  if (bytes.length > FILE_MAX_BYTES) throw keyUnreadable(path, `it is larger than ${FILE_MAX_BYTES} bytes`)
  return parsePredecessorKey(path, bytes)
}

/**
 * Reads `{"protobuf": base64(PeerIdProto)}`. That the halves of the key belong together is for the caller to check, as with any key.
 *
 * @throws MeshError `key_unreadable`; nothing of the file is in it
 */
export function parsePredecessorKey(path: string, file: Uint8Array): Uint8Array {
  const fields = fieldsOf(protobufOf(file))
  if (fields === undefined) throw keyUnreadable(path, 'its content is damaged')
  const [id, publicKey, privateKey] = [ID, PUBLIC_KEY, PRIVATE_KEY].map(field => fields.get(field))
  if (privateKey === undefined || privateKey.length === 0) throw keyUnreadable(path, 'it holds no private key')
  if (!startsWith(privateKey, PRIVATE_HEADER)) throw keyUnreadable(path, 'its key is not an Ed25519 key')
  const expected = concat(PUBLIC_HEADER, privateKey.subarray(PRIVATE_HEADER.length + SEED_BYTES))
  if (publicKey === undefined || !equal(publicKey, expected)) {
    throw keyUnreadable(path, 'its public key is not that of its private key')
  }
  if (id === undefined || !equal(id, concat(ID_HEADER, expected))) {
    throw keyUnreadable(path, 'its peer id is not that of its key')
  }
  return privateKey
}

/** Undefined for what is not such a file. */
function protobufOf(file: Uint8Array): Uint8Array | undefined {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file))
  } catch {
    // What JSON.parse says quotes the file, and the file is a secret.
    return undefined
  }
  const read = fileSchema.safeParse(value)
  return read.success ? new Uint8Array(Buffer.from(read.data.protobuf, 'base64')) : undefined
}

/** Protobuf fields of bytes, each once; undefined for anything else. */
function fieldsOf(bytes: Uint8Array | undefined): Map<number, Uint8Array> | undefined {
  if (bytes === undefined) return undefined
  const fields = new Map<number, Uint8Array>()
  for (let at = 0; at < bytes.length; ) {
    const tag = varint(bytes, at)
    const length = tag && varint(bytes, tag.end)
    if (tag === undefined || length === undefined) return undefined
    const field = tag.value >> 3
    const end = length.end + length.value
    if ((tag.value & 7) !== BYTES || end > bytes.length || fields.has(field)) return undefined
    fields.set(field, bytes.slice(length.end, end))
    at = end
  }
  return fields
}

/** Two bytes reach to 16,383, more than such a file may have. */
function varint(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  const [low, high] = [bytes[at], bytes[at + 1]]
  if (low !== undefined && low < 0x80) return { value: low, end: at + 1 }
  if (low === undefined || high === undefined || high >= 0x80) return undefined
  return { value: (low & 0x7f) | (high << 7), end: at + 2 }
}

function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  return equal(bytes.subarray(0, head.length), head)
}
