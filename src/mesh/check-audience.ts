import type { Content, Fingerprint, RejectReason } from '../protocol/index.ts'

/** `wrong_audience`: it is to somebody else, or to a topic. */
export function checkAudience({ to, topic }: Content, self: Fingerprint): RejectReason | undefined {
  return to === self && topic === undefined ? undefined : 'wrong_audience'
}
