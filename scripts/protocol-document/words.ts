import type { ProtocolErrorCode } from '../../src/protocol/errors.ts'
import { REASONS, type RejectReason } from '../../src/protocol/kinds.ts'

interface Meaning {
  /** Which side says it, and when. */
  when: string
  /** What whoever reads it may conclude. */
  follows: string
}

const MEANINGS: Record<RejectReason, Meaning> = {
  none: {
    when: 'with `received`, `delivered`, `answered`, and in a pair answer that accepts',
    follows: 'nothing is wrong'
  },
  unsupported: {
    when: 'an envelope of a kind, a version or a body form that the receiver does not know; a pair request of an unknown kind',
    follows: 'final: send nothing of that sort to this peer until its hello says more'
  },
  not_admitted: {
    when: 'the owner of the receiver has not let the sender in, or no longer does',
    follows: 'final for this envelope; the owner over there has to decide'
  },
  blocked: {
    when: 'the owner of the receiver has shut the sender out',
    follows: 'final; do not try again by yourself'
  },
  malformed: {
    when: 'the signed part breaks a rule of sections 5 and 6; another content came under a known id; another envelope came under a used seq',
    follows: 'final: the sender has a defect'
  },
  wrong_sender: {
    when: '`key` is not the key of the peer that carried the envelope',
    follows: 'final: the sender has a defect'
  },
  wrong_audience: {
    when: '`to` is not the receiver, or the envelope is one for a topic',
    follows: 'final: the sender has a defect'
  },
  bad_signature: {
    when: 'the signature does not hold; it may follow a `received`',
    follows: 'final: the sender has a defect, and 500 envelopes of its rate are gone'
  },
  expired: {
    when: 'it arrived later than its expiry and the tolerance, and had not been kept before',
    follows: 'final'
  },
  clock_skew: {
    when: 'its time or its expiry lies too far ahead of the clock of the receiver',
    follows: 'final; one of the two clocks is wrong'
  },
  overloaded: {
    when: 'with `deferred`: rate, memory, room or disk are used up',
    follows: 'not final: again after `until_ms`'
  },
  no_reply: {
    when: 'with `delivered`: it was taken to its end and no answer will come of it',
    follows: 'who waits for an answer need not wait any longer'
  },
  failed: {
    when: 'the turn or the channel failed for good; it may follow a `delivered`',
    follows: 'final. Every reason that a reader does not know reads as this one'
  },
  unknown_outcome: {
    when: 'a crash or a time limit hid whether it was worked on',
    follows: 'final: it may have happened and may not; whether to say it again is for the owner'
  },
  ticket_unknown: {
    when: 'in a pair answer: no ticket with this proof was ever issued, or it was withdrawn',
    follows: 'final for this ticket; ask for a new one'
  },
  ticket_spent: {
    when: 'in a pair answer: the ticket was used as often as it may be',
    follows: 'final for this ticket; ask for a new one'
  },
  ticket_expired: {
    when: 'in a pair answer: the ticket came after its time',
    follows: 'final for this ticket; ask for a new one'
  },
  requests_off: {
    when: 'in a pair answer: the owner takes no requests',
    follows: 'final; the owner over there has to be asked by other means'
  },
  pending: {
    when: 'in a pair answer: the request is kept for the owner, who decides',
    follows: 'wait: who is approved is told so on the next contact'
  }
}

/** Number, name and meaning of every reason, in the order of the source. */
export function reasonTable(): string {
  const rows = (Object.keys(REASONS) as RejectReason[]).map(
    name => `| ${REASONS[name]} | \`${name}\` | ${MEANINGS[name].when} | ${MEANINGS[name].follows} |`
  )
  return ['| number | name | said when | what follows |', '|---|---|---|---|', ...rows].join('\n')
}

const ERRORS: Record<ProtocolErrorCode, string> = {
  frame_too_large: 'the length before a frame is above its cap',
  frame_malformed:
    'not the protobuf of section 3.2, an empty frame, a bad length, or a hello or pair frame against its rules',
  frame_unknown: 'well-formed, and every field in it is of a later version: skipped without harm',
  envelope_malformed: 'an envelope, or its signed part, against the rules of section 5 or 6',
  envelope_version: '`version` of the signed part is not 1; answered with `unsupported`',
  envelope_kind: '`kind` is unknown; answered with `unsupported`',
  text_too_long: 'the body is longer than its kind allows',
  text_empty: 'the body is there and empty',
  text_not_utf8: 'the body of a text is not UTF-8',
  label_malformed: 'a label of our own against section 1.4; one of a peer reads as empty instead',
  instance_id_malformed: 'the text is no instance id',
  peer_id_malformed: 'not the peer id of an Ed25519 key',
  receipt_malformed: 'a receipt against section 7.1, none, or more than 512',
  route_malformed: 'a route record against section 10',
  topic_malformed: 'a topic against section 6.3',
  pair_malformed: 'the body of a pair request against section 11',
  ticket_malformed: 'no ticket, or one with a part against section 11',
  ticket_checksum: 'a ticket of which a letter is wrong or missing',
  ticket_version: 'a ticket of another version'
}

/** The codes with which readers refuse bytes. They stay inside a program; the golden vectors name them. */
export function errorTable(): string {
  const rows = Object.entries(ERRORS).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  return ['| code | the bytes are refused because |', '|---|---|', ...rows].join('\n')
}
