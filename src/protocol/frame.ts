import { type Envelope, envelopeMessage, readEnvelope } from './envelope.ts'
import { ProtocolError } from './errors.ts'
import { type Hello, helloMessage, readHello } from './hello.ts'
import { FRAME_MAX_BYTES } from './limits.ts'
import { Frame as FrameMessage } from './mesh.pb.ts'
import { demand, parse } from './parse.ts'
import { type Receipt, readReceipts, receiptMessages } from './receipt.ts'
import { FRAME } from './shapes.ts'

/** One unit on the link of a pair. */
export type Frame =
  | { type: 'hello'; hello: Hello }
  | { type: 'envelope'; envelope: Envelope }
  | { type: 'receipts'; receipts: Receipt[] }

/**
 * Without a length prefix.
 *
 * @throws {ProtocolError} `frame_too_large`, or the code of what is wrong inside
 */
export function encodeFrame(frame: Frame): Uint8Array {
  const bytes = FrameMessage.encode(frameMessage(frame))
  demand(bytes.length <= FRAME_MAX_BYTES, 'frame_too_large', `${bytes.length} bytes`)
  return bytes
}

/**
 * Reads one frame, without its length prefix. Byte fields are views of `bytes`.
 *
 * @throws {ProtocolError} `frame_too_large`; `frame_unknown` for a kind of frame that this side does not know, which may be ignored;
 * `frame_malformed`, `envelope_malformed` or `receipt_malformed`. Never anything else, whatever the bytes are.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  demand(bytes.length <= FRAME_MAX_BYTES, 'frame_too_large', `${bytes.length} bytes`)
  const { message, seen } = parse(bytes, FRAME, FrameMessage.decode, 'frame_malformed')
  if (message.hello !== undefined) return { type: 'hello', hello: readHello(message.hello) }
  if (message.envelope !== undefined) return { type: 'envelope', envelope: readEnvelope(message.envelope) }
  if (message.receipts !== undefined) return { type: 'receipts', receipts: readReceipts(message.receipts.receipts) }
  throw new ProtocolError(seen.unknown ? 'frame_unknown' : 'frame_malformed')
}

function frameMessage(frame: Frame): FrameMessage {
  switch (frame.type) {
    case 'hello':
      return { hello: helloMessage(frame.hello) }
    case 'envelope':
      return { envelope: envelopeMessage(frame.envelope) }
    case 'receipts':
      return { receipts: { receipts: receiptMessages(frame.receipts) } }
  }
}
