import { fingerprintChars } from '../protocol/fingerprint-text.ts'

/** Of an Ed25519 key, in base58. */
const PEER_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/

/** A group of the host, by its name. */
const GROUP = /^accessGroup:\S/

/**
 * Whether an entry of `allowFrom` has the form of a peer id, an instance id, its fingerprint, or a group of the host, or is `*`. By form only, so that the repair of old
 * settings needs no library; an id with a wrong letter in it is said in status.
 */
export function isAllowed(entry: string): boolean {
  return (
    entry === '*' ||
    GROUP.test(entry) ||
    PEER_ID.test(entry.trim()) ||
    fingerprintChars(entry.slice(entry.lastIndexOf('@') + 1)) !== undefined
  )
}
