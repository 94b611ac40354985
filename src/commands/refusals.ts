import { argument } from '../control/argument.ts'
import type { RejectReason } from '../protocol/index.ts'

/** Safe to show: the caller has passed all three through `safe()`. */
export interface RefusalNames {
  peer: string
  /** Instance id of this side, as the peer's owner has to name it. */
  self?: string | undefined
  program: string
  /** The person asked to be let in. */
  asked?: boolean
}

const refusals: Record<RejectReason, (names: RefusalNames) => string> = {
  none: ({ peer }) => `${peer} refused without a reason; ask its owner.`,
  unsupported: ({ peer }) => `${peer} runs a release that does not understand this; ask its owner to update.`,
  not_admitted: ({ peer, self, program, asked }) =>
    asked
      ? `${peer} has not admitted this instance: its owner said no, and asking again changes nothing before a week has passed.`
      : self === undefined
        ? `${peer} has not admitted this instance yet; ask its owner to approve the instance id that ${program} status shows.`
        : `${peer} has not admitted this instance yet; ask its owner to let it in there, with the command: approve ${argument(self)}`,
  blocked: ({ peer }) => `${peer} has blocked this instance; only its owner can lift that.`,
  malformed: ({ peer }) =>
    `${peer} could not read the message; update both sides to the same release and send it again.`,
  wrong_sender: ({ peer }) =>
    `${peer} refused the message because its sender is not who carried it; restart this side and send it again.`,
  wrong_audience: ({ peer }) =>
    `${peer} refused the message because it is addressed to another instance; name the right one in full.`,
  bad_signature: ({ peer }) =>
    `${peer} refused the message because its signature is wrong; restart this side and send it again.`,
  expired: ({ peer }) => `${peer} got the message after its time had run out; send it again.`,
  clock_skew: ({ peer }) =>
    `${peer} refused the message because the clocks of both sides differ too much; set the clocks and send it again.`,
  overloaded: ({ peer }) => `${peer} has no room for more messages now; send it again later.`,
  no_reply: ({ peer }) => `${peer} took the message and gives no reply; send another one if you need an answer.`,
  failed: ({ peer }) => `${peer} took the message and could not deal with it; ask its owner to look into its log.`,
  unknown_outcome: ({ peer }) =>
    `${peer} was interrupted while it dealt with the message, so what came of it is unknown; ask before you send it again.`,
  ticket_unknown: ({ peer }) =>
    `${peer} does not know this ticket: it was withdrawn, or the other side lost its state; ask its owner for a new one.`,
  ticket_spent: ({ peer }) => `The ticket of ${peer} was used already; ask its owner for a new one.`,
  ticket_expired: ({ peer }) => `The ticket of ${peer} has expired; ask its owner for a new one.`,
  requests_off: ({ peer }) => `${peer} takes no contact requests; ask its owner for a ticket.`,
  pending: ({ peer }) => `${peer} keeps the request for its owner to decide; nothing more is to do here.`
}

/** Why a peer refused, or gives no answer, in one sentence with the next step. */
export function refusal(reason: RejectReason | undefined, names: RefusalNames): string {
  return (refusals[reason ?? 'none'] ?? refusals.none)(names)
}

/** True for a reason code of this release: what a result carries is text to the types. */
export function isReason(reason: string): reason is RejectReason {
  return Object.hasOwn(refusals, reason)
}
