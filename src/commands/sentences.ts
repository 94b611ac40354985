import * as z from 'zod'
import { argument } from '../control/argument.ts'
import { MeshError, type MeshErrorCode, type MeshErrorDetails } from '../control/errors.ts'
import { underOpenClaw } from '../control/program.ts'
import {
  BROADCAST_TEXT_MAX_BYTES,
  LABEL_MAX_CHARS,
  ProtocolError,
  type ProtocolErrorCode,
  safe,
  TEXT_MAX_BYTES
} from '../protocol/index.ts'
import { SettingsError } from '../settings/index.ts'
import { UsageError } from './arguments.ts'
import { refusal } from './refusals.ts'

/** What a sentence may name besides the error itself. */
export interface SentenceContext {
  /** Starts a command line that is given as advice: `openclaw p2p`, or `libp2p-mesh --state DIR`. */
  program: string
  /** Whom the person named. */
  target?: string
  /** Instance id of this side, for the advice that the peer's owner needs. */
  self?: string
  /** The person asked to be let in: a peer that does not admit this instance has said no. */
  asked?: boolean
}

type Words = (details: MeshErrorDetails, context: SentenceContext) => string

/** Longest detail shown: a path of a state directory stays readable. */
const DETAIL_MAX_CHARS = 300

/** An instance id is a label, an at sign and 29 characters of fingerprint. */
const PEER_MAX_CHARS = LABEL_MAX_CHARS + 48

/** Instances listed for an ambiguous name; more do not fit a sentence. */
const CANDIDATES_MAX = 8

/** Detail of an unknown target that names an instance beyond doubt, but not its peer id. */
const NEVER_MET = 'never met'

const badTicket = {
  ticket_malformed: 'This is no ticket: one starts with mesh1; copy the whole of what the invitation printed.',
  ticket_checksum:
    'The ticket is mistyped or incomplete; copy the whole of what the invitation printed and paste it again.',
  ticket_version:
    'The ticket is of a version that this release does not know; update this side, or ask for a ticket from a release as old as it.'
} as const

const words: Record<MeshErrorCode, Words> = {
  unknown_target: (details, context) =>
    details.detail === NEVER_MET
      ? `${quoted(details, context)} was never met, so nobody knows where it is: bring both together once, on one network or with an address of it in bootstrapList.`
      : `Nobody here is known as ${quoted(details, context)}; see ${context.program} peers, or name the full instance id.`,
  ambiguous_target: (details, context) => {
    const candidates = details.candidates ?? []
    const [only] = candidates
    if (only !== undefined && candidates.length === 1)
      return `${quoted(details, context)} is only what the other side calls itself; name it in full: ${safe(only, PEER_MAX_CHARS)}.`
    const shown = candidates.slice(0, CANDIDATES_MAX).map(candidate => safe(candidate, PEER_MAX_CHARS))
    const more = candidates.length > shown.length ? ` and ${candidates.length - shown.length} more` : ''
    const list = shown.length === 0 ? '' : `: ${shown.join(', ')}${more}`
    return `${quoted(details, context)} fits ${candidates.length || 'several'} instances${list}. Name one of them in full.`
  },
  self_target: (details, context) => `${quoted(details, context)} is this instance itself; name another one.`,
  not_trusted: (details, context) =>
    `${peerOf(details, context)} is not admitted here; to admit it, run: ${context.program} approve ${argument(peerOf(details, context))}`,
  blocked: (details, context) =>
    `${peerOf(details, context)} is blocked here; to lift that, run: ${context.program} trust ${argument(peerOf(details, context))} paired`,
  refused_by_peer: (details, context) =>
    refusal(details.reason, {
      peer: peerOf(details, context),
      self: context.self === undefined ? undefined : safe(context.self, PEER_MAX_CHARS),
      program: context.program,
      asked: context.asked === true
    }),
  text_too_long: details =>
    `The text is too long${bracketed(details)}: a message holds ${TEXT_MAX_BYTES} bytes and a broadcast ${BROADCAST_TEXT_MAX_BYTES}; shorten it or send it in parts.`,
  text_empty: () => 'The text is empty; say something.',
  bad_request: details => `The request is not understood: ${detailOf(details, 'a parameter is wrong')}.`,
  topic_unknown: details =>
    `This instance is not in the topic ${detailOf(details, 'that was named')}; set meshTopic to it, or leave the topic out.`,
  outbox_full: (details, context) =>
    `Too much is waiting for ${peerOf(details, context)} already${bracketed(details)}; send again when it has been online, or see ${context.program} status.`,
  bad_ticket: details => ticketWords(details.detail),
  no_request: (details, context) =>
    `Nobody known as ${quoted(details, context)} asks to be let in; see ${context.program} requests.`,
  too_many: (details, context) =>
    `There are too many ${detailOf(details, 'of them')} already; let some end first, or see ${context.program} status.`,
  not_found: details =>
    `There is no message ${detailOf(details, 'with that id')} here; take the id that the send printed.`,
  wrong_state: (details, context) =>
    `The message ${detailOf(details, 'is in another state')}, so nothing was changed; see ${context.program} outbox show${details.id === undefined ? ' <id>' : ` ${safe(details.id)}`}.`,
  engine_down: (details, context) =>
    `The mesh is starting or restarting${bracketed(details)}; try again in a few seconds, or see ${context.program} status.`,
  not_running: (details, context) =>
    `No mesh is running${details.detail === undefined ? '' : ` in ${detailOf(details, '')}`}; ${startAdvice(context)}.`,
  state_locked: details =>
    `The state directory is in use by another process${bracketed(details)}; stop that one, or choose another directory.`,
  key_unreadable: details =>
    `The identity file ${detailOf(details, 'of this instance')} cannot be used; restore it from a backup, or move it away to become a new instance.`,
  store_failed: details =>
    `The message store cannot be used${bracketed(details)}; it says who is let in, so nothing runs without it: check free space and permissions of the state directory.`,
  dial_failed: (details, context) =>
    `${peerOf(details, context)} cannot be reached now${bracketed(details)}; check that it is running, and what ${context.program} status says.`,
  expired: (details, context) =>
    `The message to ${peerOf(details, context)} ran out of time before it arrived; send it again.`,
  aborted: () => 'Interrupted before it was done; what was accepted goes on by itself.',
  internal: (details, context) =>
    `Something went wrong inside the mesh${bracketed(details)}; see its log and ${context.program} status.`
}

const protocolWords: Record<ProtocolErrorCode, string> = {
  frame_too_large: 'A frame is larger than the protocol allows; update both sides to the same release.',
  frame_malformed: 'A frame cannot be read; update both sides to the same release.',
  frame_unknown: 'A frame is of a kind that this release does not know; update this side.',
  envelope_malformed: 'An envelope cannot be read; update both sides to the same release.',
  envelope_version: 'An envelope has a version that this release does not know; update this side.',
  envelope_kind: 'An envelope is of a kind that this release does not know; update this side.',
  text_too_long: `The text is too long: a message holds ${TEXT_MAX_BYTES} bytes and a broadcast ${BROADCAST_TEXT_MAX_BYTES}; shorten it or send it in parts.`,
  text_empty: 'The text is empty; say something.',
  text_not_utf8: 'The text is not valid UTF-8; convert it and send it again.',
  label_malformed: `The name is not allowed: 1 to ${LABEL_MAX_CHARS} letters, digits and - _ . with single spaces inside; choose another one.`,
  instance_id_malformed:
    "The instance id is not one: expected label@xxxx-xxxx-xxxx-xxxx-xxxx-xxxx; copy it from the other side's status.",
  peer_id_malformed:
    "The peer id is not one: expected an Ed25519 peer id that starts with 12D3KooW; copy it from the other side's status.",
  receipt_malformed: 'A receipt cannot be read; update both sides to the same release.',
  route_malformed: 'A route record cannot be read; update both sides to the same release.',
  pair_malformed: 'A pair request cannot be read; update both sides to the same release.',
  ...badTicket,
  topic_malformed: 'The topic is not allowed: letters, digits and - _ . : / only; choose another one.'
}

/**
 * Says an error in one clear sentence: what it is about, why, and what to do next. Nothing in it can move a terminal's cursor or break its line.
 * Errors that are not ours become a sentence too, with their message.
 */
export function sentence(error: unknown, context: SentenceContext): string {
  if (error instanceof MeshError) return (words[error.code] ?? words.internal)(error.details, context)
  if (error instanceof ProtocolError) return protocolWords[error.code]
  if (error instanceof UsageError || error instanceof SettingsError) return safe(error.message, 4 * DETAIL_MAX_CHARS)
  if (error instanceof z.ZodError) return zodSentence(error)
  if (error instanceof Error && error.name === 'AbortError') return words.aborted({}, context)
  return words.internal({ detail: error instanceof Error ? error.message : String(error) }, context)
}

/** The first thing that a schema refused. */
function zodSentence(error: z.ZodError): string {
  const [issue] = error.issues
  const path = issue?.path.map(String).join('.') || 'the value'
  return `${safe(path)} is not allowed: ${safe(issue?.message ?? 'not understood', DETAIL_MAX_CHARS)}.`
}

function ticketWords(code: string | undefined): string {
  return Object.entries(badTicket).find(([known]) => known === code)?.[1] ?? badTicket.ticket_malformed
}

function startAdvice({ program }: SentenceContext): string {
  return underOpenClaw(program)
    ? 'start the gateway with openclaw gateway run, or see openclaw channels status --probe'
    : `start it: ${program} node`
}

/** The peer as the error names it, else as the person did. */
function peerOf(details: MeshErrorDetails, context: SentenceContext): string {
  const peer = details.peer ?? context.target
  return peer === undefined ? 'The peer' : safe(peer, PEER_MAX_CHARS)
}

function quoted(details: MeshErrorDetails, context: SentenceContext): string {
  const named = context.target ?? details.detail ?? details.peer
  return named === undefined ? 'That name' : `"${safe(named, PEER_MAX_CHARS)}"`
}

function detailOf(details: MeshErrorDetails, otherwise: string): string {
  return details.detail === undefined ? otherwise : safe(details.detail, DETAIL_MAX_CHARS)
}

function bracketed(details: MeshErrorDetails): string {
  return details.detail === undefined ? '' : ` (${safe(details.detail, DETAIL_MAX_CHARS)})`
}
