import { ProtocolError, type ProtocolErrorCode } from './errors.ts'
import { checkWire, type Seen, type Shape } from './wire.ts'

export interface Parsed<Message> {
  message: Message
  seen: Seen
}

/**
 * Bytes of one protobuf message, read strictly (wire.ts) and then by the generated codec. The fields of the message are views of `bytes`.
 *
 * @throws {ProtocolError} with `code`, whatever the bytes are.
 */
export function parse<Message>(
  bytes: Uint8Array,
  shape: Shape,
  decode: (bytes: Uint8Array) => Message,
  code: ProtocolErrorCode
): Parsed<Message> {
  // Views of a Node Buffer would be Buffers, whose `slice` does not copy.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  try {
    const seen = checkWire(view, shape)
    return { message: decode(view), seen }
  } catch (cause) {
    throw new ProtocolError(code, cause instanceof Error ? `${code}: ${cause.message}` : code, { cause })
  }
}

/** Ends the reading of a message with this code unless the condition holds. `what` names the field, never its content. */
export function demand(condition: boolean, code: ProtocolErrorCode, what: string): asserts condition {
  if (!condition) throw new ProtocolError(code, `${code}: ${what}`)
}
