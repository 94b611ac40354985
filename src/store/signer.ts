import { sign, verify } from 'node:crypto'
import type { Signer } from '../mesh/ports.ts'
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../protocol/limits.ts'
import { privateKeyOf, publicKeyObjectOf } from './ed25519.ts'
import type { KeyFile } from './key-file.ts'

/**
 * Signs with the instance's key and verifies anybody's (RFC 8032). Both run on node's thread pool, beside the event
 * loop.
 */
export function signerOf({ seed, publicKey }: Pick<KeyFile, 'seed' | 'publicKey'>): Signer {
  const privateKey = privateKeyOf(seed)
  return {
    publicKey,
    sign: bytes => {
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
      // A plain copy: a Buffer would compare as unequal to the bytes of the wire.
      sign(null, bytes, privateKey, (error, signature) => (error ? reject(error) : resolve(new Uint8Array(signature))))
      return promise
    },
    verify: async (signer, bytes, signature) => {
      if (signer.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
      const { promise, resolve } = Promise.withResolvers<boolean>()
      // An error is a key that is no point of the curve: such a key signed nothing.
      verify(null, bytes, publicKeyObjectOf(signer), signature, (error, valid) => resolve(error === null && valid))
      return await promise
    }
  }
}
