import { unshared } from './bytes.ts'
import { ProtocolError } from './errors.ts'
import { REASONS, type RejectReason } from './kinds.ts'
import { peerLabel } from './label.ts'
import { PAIR_FRAME_MAX_BYTES } from './limits.ts'
import { PairFrame as PairFrameMessage } from './mesh.pb.ts'
import { reasonOf } from './numbers.ts'
import { demand, parse } from './parse.ts'
import { PAIR_FRAME } from './shapes.ts'

/** What the asked side says: accepted means that the asking side is admitted there now. */
export interface PairAnswer {
  accepted: boolean
  reason: RejectReason
  /** Of the side that answers; empty where it gave none. */
  label: string
}

/** The answer that is no yes; it says nothing of who gives it. */
export function refusing(reason: PairAnswer['reason']): PairAnswer {
  return { accepted: false, reason, label: '' }
}

/** One unit on the pair protocol, the only one open to strangers. */
export type PairFrame =
  /** `kind` from 1; one that the receiver does not know is answered with reason `unsupported`. */
  { type: 'request'; kind: number; body: Uint8Array } | ({ type: 'answer' } & PairAnswer)

const UINT32_MAX = 0xffff_ffff

/** Without a length prefix. @throws {ProtocolError} `frame_too_large`, `frame_malformed` */
export function encodePairFrame(frame: PairFrame): Uint8Array {
  const bytes = PairFrameMessage.encode(pairMessage(frame))
  demand(bytes.length <= PAIR_FRAME_MAX_BYTES, 'frame_too_large', `${bytes.length} bytes`)
  return bytes
}

/**
 * Reads one frame, without its length prefix; the body is a view of `bytes`.
 *
 * @throws {ProtocolError} `frame_too_large`, `frame_unknown`, `frame_malformed`
 */
export function decodePairFrame(bytes: Uint8Array): PairFrame {
  demand(bytes.length <= PAIR_FRAME_MAX_BYTES, 'frame_too_large', `${bytes.length} bytes`)
  const { message, seen } = parse(bytes, PAIR_FRAME, PairFrameMessage.decode, 'frame_malformed')
  if (message.request !== undefined) {
    const { kind, body } = message.request
    demand(kind >= 1, 'frame_malformed', 'kind')
    return { type: 'request', kind, body }
  }
  if (message.answer !== undefined) {
    const { accepted, reason, label } = message.answer
    return { type: 'answer', accepted, reason: reasonOf(reason), label: peerLabel(label) }
  }
  throw new ProtocolError(seen.unknown ? 'frame_unknown' : 'frame_malformed')
}

function pairMessage(frame: PairFrame): PairFrameMessage {
  if (frame.type === 'answer') {
    const { accepted, reason, label } = frame
    return { answer: { accepted, reason: REASONS[reason], label } }
  }
  demand(Number.isSafeInteger(frame.kind) && frame.kind >= 1 && frame.kind <= UINT32_MAX, 'frame_malformed', 'kind')
  return { request: { kind: frame.kind, body: unshared(frame.body) } }
}
