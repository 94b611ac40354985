import {
  type Content,
  decodeContent,
  decodeRouteRecord,
  ProtocolError,
  type RejectReason,
  textOf
} from '../protocol/index.ts'

/** Decode and schema. `unsupported`: a kind, version or body that is not ours; `malformed`: bytes that are nobody's. */
export function decoded(signed: Uint8Array): { content: Content } | { reason: RejectReason } {
  try {
    const content = decodeContent(signed)
    const reason = checkBody(content)
    return reason === undefined ? { content } : { reason }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const foreign = error.code === 'envelope_kind' || error.code === 'envelope_version'
    return { reason: foreign ? 'unsupported' : 'malformed' }
  }
}

/** Records are readable, and texts come whole and in plain: chunks and sealed bodies are for a later version. */
function checkBody(content: Content): RejectReason | undefined {
  if (content.body.type === 'chunk' || content.body.type === 'sealed') return 'unsupported'
  if (content.kind === 'route' && content.body.type === 'plain') decodeRouteRecord(content.body.bytes)
  if (content.kind === 'message' || content.kind === 'host' || content.kind === 'broadcast') textOf(content)
  return undefined
}
