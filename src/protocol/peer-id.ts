import { base58btc } from 'multiformats/bases/base58'
import { concat, equal } from './bytes.ts'
import { ProtocolError } from './errors.ts'
import { PUBLIC_KEY_BYTES } from './limits.ts'

/**
 * A libp2p peer id of an Ed25519 key is the identity multihash (0x00, length 36) of the protobuf `PublicKey { Type = 1, Data = 32 bytes }`,
 * written in base58btc (libp2p specs, peer-ids). So the key can be read out of it.
 */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/** 38 bytes make 52 characters; anything longer is refused before decoding, whose time grows with the square of the length. */
const TEXT_MAX_CHARS = 60

/** `12D3KooW...`
 * @throws {ProtocolError} `peer_id_malformed` when the key has not 32 bytes.
 */
export function peerIdOf(publicKey: Uint8Array): string {
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw new ProtocolError('peer_id_malformed', 'a public key has 32 bytes')
  return base58btc.baseEncode(concat(PREFIX, publicKey))
}

/**
 * The 32 bytes of the Ed25519 public key in a peer id.
 *
 * @throws {ProtocolError} `peer_id_malformed` for bad base58, for ids of other key types and for ids that do not hold their key.
 */
export function publicKeyOf(peerId: string): Uint8Array {
  const bytes = decode(peerId)
  if (bytes.length !== PREFIX.length + PUBLIC_KEY_BYTES || !equal(bytes.subarray(0, PREFIX.length), PREFIX)) {
    throw new ProtocolError('peer_id_malformed', 'not the peer id of an Ed25519 key')
  }
  return bytes.subarray(PREFIX.length)
}

function decode(peerId: string): Uint8Array {
  if (peerId.length > TEXT_MAX_CHARS) throw new ProtocolError('peer_id_malformed', 'a peer id has 52 characters')
  try {
    return base58btc.baseDecode(peerId)
  } catch (cause) {
    throw new ProtocolError('peer_id_malformed', 'not base58', { cause })
  }
}
