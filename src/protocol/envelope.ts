import { concat, unshared } from './bytes.ts'
import { SIGNED_MAX_BYTES } from './content-rules.ts'
import { HASH_BYTES, MERKLE_PATH_MAX, SIGNATURE_BYTES } from './limits.ts'
import { leafHash, merkleRoot, merkleTree } from './merkle.ts'
import { Envelope as EnvelopeMessage } from './mesh.pb.ts'
import { demand, parse } from './parse.ts'
import { ENVELOPE } from './shapes.ts'
import type { VerifiedRoots, Verify } from './verified-roots.ts'

/** One signed unit, as it is stored and forwarded. It proves itself alone, though its signature serves the whole group it was committed with. */
export interface Envelope {
  /** See `encodeContent`; kept verbatim. */
  signed: Uint8Array
  /** Ed25519 over `signedBytesOf(rootOf(envelope))`, 64 bytes. */
  sig: Uint8Array
  /** Bit i set: sibling i is on the left. */
  sides: number
  /** Sibling hashes, leaf first, 12 of 32 bytes at most. */
  path: Uint8Array[]
}

/** What the signature covers begins with this, so it can never pass for a signature over anything else. */
const DOMAIN = new TextEncoder().encode('libp2p-mesh/1/envelope\0')

/**
 * Signs 1 to 4,096 signed parts with one signature over the root of their Merkle tree. The order is kept.
 *
 * @throws {RangeError} for any other number of parts
 */
export async function sealGroup(
  signed: readonly Uint8Array[],
  sign: (bytes: Uint8Array) => Promise<Uint8Array>
): Promise<Envelope[]> {
  const { root, paths } = merkleTree(signed.map(leafHash))
  const sig = await sign(signedBytesOf(root))
  return paths.map((path, i) => ({ signed: signed[i] ?? new Uint8Array(0), sig, ...path }))
}

/** The Merkle root that an envelope leads to, 32 bytes; without a path its leaf hash. */
export function rootOf(envelope: Envelope): Uint8Array {
  return merkleRoot(leafHash(envelope.signed), envelope)
}

/** The bytes under the signature of a group. */
export function signedBytesOf(root: Uint8Array): Uint8Array {
  return concat(DOMAIN, root)
}

/** Was the envelope signed by this key (32 bytes)? With `roots`, the signature of a group is verified once. */
export async function verifyEnvelope(
  envelope: Envelope,
  publicKey: Uint8Array,
  verify: Verify,
  roots?: VerifiedRoots
): Promise<boolean> {
  const root = rootOf(envelope)
  const ask = () => verify(publicKey, signedBytesOf(root), envelope.sig)
  return await (roots?.check(publicKey, root, envelope.sig, ask) ?? ask())
}

/** @throws {ProtocolError} `envelope_malformed` */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return EnvelopeMessage.encode(envelopeMessage(envelope))
}

/**
 * The fields are views of `bytes`. The signed part is not read: see `decodeContent`.
 *
 * @throws {ProtocolError} `envelope_malformed`
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  return readEnvelope(parse(bytes, ENVELOPE, EnvelopeMessage.decode, 'envelope_malformed').message)
}

/** The generated codec's form of an envelope. @throws {ProtocolError} `envelope_malformed` */
export function envelopeMessage(envelope: Envelope): EnvelopeMessage {
  checkEnvelope(envelope)
  return {
    signed: unshared(envelope.signed),
    sig: unshared(envelope.sig),
    sides: envelope.sides,
    path: envelope.path.map(unshared)
  }
}

/** An envelope from the generated codec's form. @throws {ProtocolError} `envelope_malformed` */
export function readEnvelope({ signed, sig, sides, path }: EnvelopeMessage): Envelope {
  const envelope = { signed, sig, sides, path }
  checkEnvelope(envelope)
  return envelope
}

function checkEnvelope({ signed, sig, sides, path }: Envelope): void {
  demand(signed.length > 0 && signed.length <= SIGNED_MAX_BYTES, 'envelope_malformed', 'signed')
  demand(sig.length === SIGNATURE_BYTES, 'envelope_malformed', 'sig')
  demand(path.length <= MERKLE_PATH_MAX, 'envelope_malformed', 'path')
  demand(
    path.every(hash => hash.length === HASH_BYTES),
    'envelope_malformed',
    'path'
  )
  demand(Number.isSafeInteger(sides) && sides >= 0 && sides < 2 ** path.length, 'envelope_malformed', 'sides')
}
