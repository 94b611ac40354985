import { toHex, unshared } from './bytes.ts'
import { idToBytes } from './id.ts'
import { REASONS, type ReceiptOutcome, type RejectReason } from './kinds.ts'
import { HASH_BYTES, ID_BYTES, RECEIPTS_MAX, SIGNATURE_BYTES } from './limits.ts'
import type { Receipt as ReceiptMessage } from './mesh.pb.ts'
import { numberOfOutcome, outcomeOf, reasonOf } from './numbers.ts'
import { demand } from './parse.ts'

/** How far one arrival of an envelope has come. */
export interface Receipt {
  /** Id of the envelope, 32 hex digits. */
  id: string
  /** Which arrival of the envelope is answered, from 1. */
  attempt: number
  /** SHA-256 of its signed bytes. */
  hash: Uint8Array
  outcome: ReceiptOutcome
  /** Why, where the outcome is a refusal. A reason of a later version reads as `failed`. */
  reason: RejectReason
  /** Not before this time, ms since 1970; set for `deferred` only. */
  untilMs?: number
}

const UINT32_MAX = 0xffff_ffff

/** The generated codec's form of 1 to 512 receipts. @throws {ProtocolError} `receipt_malformed` */
export function receiptMessages(receipts: readonly Receipt[]): ReceiptMessage[] {
  checkCount(receipts.length)
  return receipts.map(receiptMessage)
}

/**
 * Receipts from the generated codec's form. Those with an outcome of a later version are left out, as nothing can be concluded from them.
 *
 * @throws {ProtocolError} `receipt_malformed`
 */
export function readReceipts(messages: readonly ReceiptMessage[]): Receipt[] {
  checkCount(messages.length)
  return messages.map(readReceipt).filter(receipt => receipt !== undefined)
}

function receiptMessage({ id, attempt, hash, outcome, reason, untilMs }: Receipt): ReceiptMessage {
  const idBytes = idToBytes(id)
  check(idBytes !== undefined, 'id')
  check((outcome === 'deferred') === (untilMs !== undefined), 'until')
  check(outcome !== 'rejected' || reason !== 'none', 'reason')
  const message = {
    id: unshared(idBytes),
    attempt,
    hash: unshared(hash),
    level: numberOfOutcome(outcome),
    reason: REASONS[reason],
    untilMs: untilMs ?? 0,
    sig: new Uint8Array(0)
  }
  checkReceipt(message)
  return message
}

function readReceipt(message: ReceiptMessage): Receipt | undefined {
  checkReceipt(message)
  const outcome = outcomeOf(message.level)
  if (outcome === undefined) return undefined
  const reason = reasonOf(message.reason)
  return {
    id: toHex(message.id),
    attempt: message.attempt,
    hash: message.hash,
    outcome,
    reason: outcome === 'rejected' && reason === 'none' ? 'failed' : reason,
    ...(outcome === 'deferred' && { untilMs: message.untilMs })
  }
}

function checkReceipt({ id, attempt, hash, level, untilMs, sig }: ReceiptMessage): void {
  check(id.length === ID_BYTES, 'id')
  check(Number.isSafeInteger(attempt) && attempt >= 1 && attempt <= UINT32_MAX, 'attempt')
  check(hash.length === HASH_BYTES, 'hash')
  check(level >= 1, 'level')
  check(Number.isSafeInteger(untilMs) && untilMs >= 0, 'until')
  check(outcomeOf(level) !== 'deferred' || untilMs > 0, 'until')
  check(sig.length === 0 || sig.length === SIGNATURE_BYTES, 'sig')
}

function checkCount(count: number): void {
  check(count >= 1 && count <= RECEIPTS_MAX, 'count')
}

function check(condition: boolean, what: string): asserts condition {
  demand(condition, 'receipt_malformed', what)
}
