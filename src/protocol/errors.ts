/** Why bytes from a peer, or words for one, were refused at the border. Codes are part of the protocol document. */
export type ProtocolErrorCode =
  | 'frame_too_large'
  | 'frame_malformed'
  | 'frame_unknown'
  | 'envelope_malformed'
  | 'envelope_version'
  | 'envelope_kind'
  | 'text_too_long'
  | 'text_empty'
  | 'text_not_utf8'
  | 'label_malformed'
  | 'instance_id_malformed'
  | 'peer_id_malformed'
  | 'receipt_malformed'
  | 'route_malformed'
  | 'topic_malformed'
  | 'pair_malformed'
  | 'ticket_malformed'
  | 'ticket_checksum'
  | 'ticket_version'

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string = code, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
