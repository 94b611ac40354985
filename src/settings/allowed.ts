import { ProtocolError } from '../protocol/errors.ts'
import { parseInstanceId } from '../protocol/instance-id.ts'
import { publicKeyOf } from '../protocol/peer-id.ts'

/** Whether an entry of `allowFrom` names somebody: a peer id, an instance id, its fingerprint, or everybody. */
export function isAllowed(entry: string): boolean {
  return entry === '*' || reads(() => publicKeyOf(entry.trim())) || reads(() => parseInstanceId(entry))
}

function reads(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
