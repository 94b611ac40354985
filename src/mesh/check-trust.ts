import type { RejectReason } from '../protocol/index.ts'
import type { TrustLevel } from './ports.ts'

/** `blocked` and `not_admitted`: what the owner said of the sender. */
export function checkTrust(level: TrustLevel): RejectReason | undefined {
  if (level === 'blocked') return 'blocked'
  return level === 'unknown' ? 'not_admitted' : undefined
}
