import type { RejectReason } from '../protocol/index.ts'

/** Everything that can keep the mesh from doing what was asked. Made at the borders, put into words by commands and hosts. */
export type MeshErrorCode =
  | 'unknown_target' // nobody of that name, instance id or peer id is known
  | 'ambiguous_target' // the name fits several instances; `candidates` lists them
  | 'self_target' // the target is this instance
  | 'not_trusted' // the target is not admitted here: approve it first
  | 'blocked' // the target is blocked here
  | 'refused_by_peer' // the peer answered with `reason`
  | 'text_too_long'
  | 'text_empty'
  | 'bad_request' // parameters that the schema refused; `detail` names the first one
  | 'topic_unknown'
  | 'outbox_full'
  | 'bad_ticket' // no ticket: `detail` is the protocol's code
  | 'no_request' // nobody of that name asks to be let in
  | 'too_many' // a bounded list is full; `detail` names it
  | 'not_found' // no message of that id
  | 'wrong_state' // the message `id` is not in a state in which that can be done; `detail` says why
  | 'engine_down' // the engine is starting or restarting
  | 'not_running' // nobody serves this state directory
  | 'state_locked' // another process holds the state directory; `detail` names it
  | 'key_unreadable' // the identity file exists and cannot be used
  | 'store_failed'
  | 'dial_failed'
  | 'expired'
  | 'aborted'
  | 'internal'

export interface MeshErrorDetails extends ErrorOptions {
  retryable?: boolean
  /** Instance id (`label@fingerprint`) or peer id of the peer concerned. */
  peer?: string
  /** The reason code that a peer gave. */
  reason?: RejectReason
  /** What fits an ambiguous name, as instance ids. */
  candidates?: string[]
  /** The thing itself: a parameter, a path, a limit. Never text of a peer. */
  detail?: string
  /** Message concerned, if one was stored. */
  id?: string
}

export class MeshError extends Error {
  override readonly name = 'MeshError'
  readonly code: MeshErrorCode
  readonly retryable: boolean
  readonly details: MeshErrorDetails

  constructor(code: MeshErrorCode, details: MeshErrorDetails = {}) {
    super(details.detail === undefined ? code : `${code}: ${details.detail}`, { cause: details.cause })
    this.code = code
    this.retryable = details.retryable ?? false
    this.details = details
  }
}
