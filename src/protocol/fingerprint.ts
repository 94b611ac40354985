import { base32 } from 'multiformats/bases/base32'
import { ProtocolError } from './errors.ts'
import { hashOf } from './hash.ts'
import { FINGERPRINT_BYTES, PUBLIC_KEY_BYTES } from './limits.ts'
import { publicKeyOf } from './peer-id.ts'

/**
 * First 120 bits of the SHA-256 of an Ed25519 public key (32 raw bytes), as 24 lower-case base32 characters (RFC 4648) in six groups of
 * four: `xxxx-xxxx-xxxx-xxxx-xxxx-xxxx`. It is the part of an instance id that proves itself.
 */
export type Fingerprint = string

const FINGERPRINT = /^[a-z2-7]{4}(?:-[a-z2-7]{4}){5}$/
const GROUP = /.{4}(?!$)/g
const SHORT_CHARS = 9

export function isFingerprint(text: string): boolean {
  return FINGERPRINT.test(text)
}

/** @throws {ProtocolError} `instance_id_malformed` when the key has not 32 bytes. */
export function fingerprintOf(publicKey: Uint8Array): Fingerprint {
  return fingerprintFromBytes(fingerprintBytesOf(publicKey))
}

/** The 15 bytes that stand on the wire for the owner of this key. */
export function fingerprintBytesOf(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw malformed('a public key has 32 bytes')
  return hashOf(publicKey).subarray(0, FINGERPRINT_BYTES)
}

/** @throws {ProtocolError} `instance_id_malformed` for anything but a fingerprint in its canonical writing. */
export function fingerprintToBytes(fingerprint: Fingerprint): Uint8Array {
  if (!isFingerprint(fingerprint)) throw malformed('not a fingerprint')
  return base32.baseDecode(fingerprint.replaceAll('-', ''))
}

/** @throws {ProtocolError} `instance_id_malformed` when there are not 15 bytes. */
export function fingerprintFromBytes(bytes: Uint8Array): Fingerprint {
  if (bytes.length !== FINGERPRINT_BYTES) throw malformed('a fingerprint has 15 bytes')
  return inGroups(base32.baseEncode(bytes))
}

/** The 24 characters with their dashes. */
export function inGroups(chars: string): Fingerprint {
  return chars.replace(GROUP, '$&-')
}

/** Of the key in this peer id; undefined for what is no peer id of an Ed25519 key. */
export function fingerprintOfPeer(peer: string): Fingerprint | undefined {
  try {
    return fingerprintOf(publicKeyOf(peer))
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** The first two groups, for places where the whole does not fit. Never enough to decide by. */
export function shortFingerprint(fingerprint: Fingerprint): string {
  return fingerprint.slice(0, SHORT_CHARS)
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('instance_id_malformed', message)
}
