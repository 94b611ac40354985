/** Why a relay gave no reservation, as the end of a sentence that begins with its address. */
export function relayTroubleOf(error: unknown): string {
  const { name = '', message = '' } = error instanceof Error ? error : {}
  if (message.includes('PERMISSION_DENIED'))
    return 'refuses: it carries only for those whom its owner let in, so ask for that'
  if (message.includes('RESERVATION_REFUSED') || message.includes('RESOURCE_LIMIT_EXCEEDED'))
    return 'refuses: it has no room for one more, or has carried enough for this node today'
  if (name === 'UnsupportedProtocolError') return 'is reached, and is no relay'
  if (message.includes('reservation failed')) return 'answers with a refusal'
  return 'cannot be reached'
}
