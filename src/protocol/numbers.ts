import {
  ENVELOPE_KINDS,
  type EnvelopeKind,
  REASONS,
  RECEIPT_LEVELS,
  RECEIPT_REFUSALS,
  type ReceiptOutcome,
  type RejectReason
} from './kinds.ts'

/** Words for the numbers on the wire; undefined for a number that this side does not know. */

const KINDS = byNumber<EnvelopeKind>(ENVELOPE_KINDS)
const OUTCOME_NUMBERS: Readonly<Record<ReceiptOutcome, number>> = { ...RECEIPT_LEVELS, ...RECEIPT_REFUSALS }
const OUTCOMES = byNumber<ReceiptOutcome>(OUTCOME_NUMBERS)
const REASON_WORDS = byNumber<RejectReason>(REASONS)

export function kindOf(number: number): EnvelopeKind | undefined {
  return KINDS.get(number)
}

export function outcomeOf(number: number): ReceiptOutcome | undefined {
  return OUTCOMES.get(number)
}

export function numberOfOutcome(outcome: ReceiptOutcome): number {
  return OUTCOME_NUMBERS[outcome]
}

/** A reason of a later version is still a refusal, so it reads as `failed`. */
export function reasonOf(number: number): RejectReason {
  return REASON_WORDS.get(number) ?? 'failed'
}

function byNumber<Word extends string>(numbers: Readonly<Record<Word, number>>): ReadonlyMap<number, Word> {
  return new Map((Object.keys(numbers) as Word[]).map(word => [numbers[word], word]))
}
