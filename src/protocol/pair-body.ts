import { unshared } from './bytes.ts'
import { peerLabel } from './label.ts'
import { HASH_BYTES, PURPOSE_MAX_CHARS, TICKET_ID_BYTES } from './limits.ts'
import { ContactRequest as ContactRequestMessage, TicketProof as TicketProofMessage } from './mesh.pb.ts'
import type { PairFrame } from './pair.ts'
import { demand, parse } from './parse.ts'
import { CONTACT_REQUEST, TICKET_PROOF } from './shapes.ts'

/** Kinds of pair requests and their numbers on the wire. A number is never reused. */
export const PAIR_KINDS = {
  /** I hold a ticket of yours. */
  ticket: 1,
  /** May I be let in? */
  contact: 2,
  /** You are let in here: come. */
  approved: 3
} as const

/** What a stranger asks, read. */
export type PairBody =
  /** `ticket` are 8 bytes that name it, `proof` are 32. */
  | { kind: 'ticket'; ticket: Uint8Array; proof: Uint8Array; label: string }
  | { kind: 'contact'; label: string; purpose: string }
  | { kind: 'approved' }

export function pairRequestOf(body: PairBody): Extract<PairFrame, { type: 'request' }> {
  return { type: 'request', kind: PAIR_KINDS[body.kind], body: bytesOf(body) }
}

/**
 * Undefined for a kind that this version does not know.
 *
 * @throws {ProtocolError} `pair_malformed`
 */
export function pairBodyOf({ kind, body }: Extract<PairFrame, { type: 'request' }>): PairBody | undefined {
  if (kind === PAIR_KINDS.approved) return { kind: 'approved' }
  if (kind === PAIR_KINDS.ticket) {
    const { message } = parse(body, TICKET_PROOF, TicketProofMessage.decode, 'pair_malformed')
    const { ticket, proof, label } = message
    demand(ticket.length === TICKET_ID_BYTES && proof.length === HASH_BYTES, 'pair_malformed', 'proof')
    return { kind: 'ticket', ticket, proof, label: peerLabel(label) }
  }
  if (kind === PAIR_KINDS.contact) {
    const { message } = parse(body, CONTACT_REQUEST, ContactRequestMessage.decode, 'pair_malformed')
    demand([...message.purpose].length <= PURPOSE_MAX_CHARS, 'pair_malformed', 'purpose')
    return { kind: 'contact', label: peerLabel(message.label), purpose: message.purpose }
  }
  return undefined
}

function bytesOf(body: PairBody): Uint8Array {
  if (body.kind === 'ticket') {
    const { ticket, proof, label } = body
    return TicketProofMessage.encode({ ticket: unshared(ticket), proof: unshared(proof), label })
  }
  if (body.kind === 'contact') {
    demand([...body.purpose].length <= PURPOSE_MAX_CHARS, 'pair_malformed', 'purpose')
    return ContactRequestMessage.encode({ label: body.label, purpose: body.purpose })
  }
  return new Uint8Array()
}
