import { sha256 } from 'multiformats/hashes/sha2'

/** SHA-256 (FIPS 180-4), 32 bytes. */
export function hashOf(bytes: Uint8Array): Uint8Array {
  const digest = sha256.encode(bytes)
  // The browser build of multiformats hashes through WebCrypto; everything here is built on answers within the same turn.
  if (!(digest instanceof Uint8Array)) throw new TypeError('SHA-256 must be synchronous')
  return digest
}
