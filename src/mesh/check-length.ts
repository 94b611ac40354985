import {
  type Envelope,
  FRAME_MAX_BYTES,
  HASH_BYTES,
  MERKLE_PATH_MAX,
  type RejectReason,
  SIGNATURE_BYTES
} from '../protocol/index.ts'

/** `malformed`: a signature, a path or a whole that is longer or shorter than any may be. */
export function checkLength({ signed, sig, path }: Envelope): RejectReason | undefined {
  const shaped = sig.length === SIGNATURE_BYTES && path.length <= MERKLE_PATH_MAX
  const bytes = signed.length + sig.length + path.length * HASH_BYTES
  return shaped && signed.length > 0 && bytes <= FRAME_MAX_BYTES ? undefined : 'malformed'
}
