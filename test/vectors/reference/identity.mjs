import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'

/** Section 1 of docs/protocol.md, and the primitives that everything else needs. */

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const PEER_ID_PREFIX = Buffer.from('002408011220', 'hex')

/** RFC 8410: what DER puts before the 32 bytes of an Ed25519 key. */
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex')

export function sha256(...parts) {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

/** The key pair of a 32-byte seed. */
export function keyOf(seed) {
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_DER, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_DER.length)
  return { publicKey, sign: bytes => sign(null, bytes, key) }
}

export function isSignature(publicKey, bytes, signature) {
  try {
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_DER, publicKey]), format: 'der', type: 'spki' })
    return verify(null, bytes, key, signature)
  } catch {
    return false
  }
}

/** The 15 bytes on the wire. */
export function fingerprintBytes(publicKey) {
  return sha256(publicKey).subarray(0, 15)
}

/** 15 bytes as six groups of four. */
export function fingerprintText(bytes) {
  const bits = Array.from(bytes, byte => byte.toString(2).padStart(8, '0')).join('')
  const chars = bits.match(/.{5}/g).map(five => BASE32[Number.parseInt(five, 2)])
  return chars.join('').match(/.{4}/g).join('-')
}

/** The 15 bytes of a written fingerprint. */
export function fingerprintFrom(text) {
  const bits = Array.from(text.replaceAll('-', ''), char => BASE32.indexOf(char).toString(2).padStart(5, '0')).join('')
  return Buffer.from(bits.match(/.{8}/g).map(eight => Number.parseInt(eight, 2)))
}

export function peerIdOf(publicKey) {
  let number = BigInt(`0x${Buffer.concat([PEER_ID_PREFIX, publicKey]).toString('hex')}`)
  let text = ''
  for (; number > 0n; number /= 58n) text = BASE58[Number(number % 58n)] + text
  // One leading zero byte.
  return `1${text}`
}

/** The key in a peer id; undefined for what is no peer id of an Ed25519 key. */
export function keyInPeerId(peerId) {
  let number = 0n
  for (const char of peerId) {
    if (!BASE58.includes(char)) return undefined
    number = number * 58n + BigInt(BASE58.indexOf(char))
  }
  const bytes = Buffer.from(number.toString(16).padStart(76, '0'), 'hex')
  const good = peerId.length <= 60 && bytes.length === 38 && bytes.subarray(0, 6).equals(PEER_ID_PREFIX)
  return good && peerIdOf(bytes.subarray(6)) === peerId ? bytes.subarray(6) : undefined
}
