import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'

/** RFC 8410: what stands before the 32 bytes of an Ed25519 key in DER. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

export interface TestKey {
  publicKey: Uint8Array
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** The Ed25519 key of a 32-byte seed (RFC 8032), by Node's own implementation. */
export function keyOf(seed: Uint8Array): TestKey {
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: new Uint8Array(der.subarray(PUBLIC_PREFIX.length)),
    sign: async bytes => new Uint8Array(sign(null, bytes, key))
  }
}

/** True for a valid signature. */
export async function verifyEd25519(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' })
  return verify(null, bytes, key, signature)
}
