import * as z from 'zod'
import { isReason } from '../../commands/index.ts'
import { MeshError } from '../../control/errors.ts'
import { methods, type Result } from '../../control/methods.ts'
import { parseInstanceId, safe } from '../../protocol/index.ts'
import { frameReply } from '../frame-text.ts'
import { liveAccount } from '../slot.ts'
import { sentenceFor } from '../words.ts'
import { orSentence, type ToolResult, toolResult } from './result.ts'

export const STATUS_TOOL = {
  name: 'p2p_message_status',
  label: 'What became of a message',
  description:
    'What became of a message that this session sent with p2p_send_instance_message, by the id that the tool returned: waiting, received, delivered, ' +
    'answered (with the text of the answer), rejected (with the reason), expired or cancelled. It only reads. What waits goes on by itself and must not ' +
    'be sent again.',
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['id'],
    properties: { id: { type: 'string', description: 'Id of the message, 32 digits and letters.' } }
  }
} as const

const paramsSchema = z.strictObject({ id: methods.message.params.shape.id })

type Message = Result<'message'>

/** Tells a session of its own messages: what another one said, and to whom, is not for it to read, least of all where a peer's text started it. */
export async function executeStatus(
  context: { sessionKey?: string },
  raw: unknown,
  signal?: AbortSignal
): Promise<ToolResult> {
  return await orSentence(async () => {
    const { id } = paramsSchema.parse(raw)
    const session = context.sessionKey ?? ''
    const message = await liveAccount().client.call('message', { id, session }, { signal })
    const { state, reason, to, createdAt, expiresAt } = message
    // The reply stands in its frame and nowhere else.
    return toolResult(await summary(message), { id, state, level: levelOf(state), reason, to, createdAt, expiresAt })
  })
}

function levelOf(state: Message['state']): string | null {
  if (state === 'queued') return 'pending'
  return state === 'received' || state === 'delivered' || state === 'answered' ? state : null
}

async function summary({ id, state, reason, reply, to, expiresAt }: Message): Promise<string> {
  const peer = safe(to.instanceId)
  const message = `Message ${id} to ${peer}`
  const goesOn = `That goes on by itself until ${safe(expiresAt)}; do not send it again.`
  if (state === 'queued') return `${message} is pending: it is stored here and has not reached the peer. ${goesOn}`
  if (state === 'received') return `${message} is received: it is stored there and not taken yet. ${goesOn}`
  if (state === 'expired')
    return `${message} is expired: it ran out of time before it was delivered, and is not sent any more.`
  if (state === 'cancelled') return `${message} is cancelled: the owner took it back.`
  const why = reason === null ? '' : ` ${await sentenceFor(refusalOf(reason, to.instanceId))}`
  if (state === 'rejected') return `${message} is rejected.${why}`
  if (state === 'delivered')
    return `${message} is delivered${reason === null ? ', and not answered so far' : ''}.${why}`
  if (reply === null) return `${message} is answered; the text of the answer is not here yet.`
  return `${message} is answered.\n${frameReply(reply, { name: to.name, instance: parseInstanceId(to.instanceId).fingerprint })}`
}

/** A reason that this release does not know gets the words of none. */
function refusalOf(reason: string, peer: string): MeshError {
  return new MeshError('refused_by_peer', { peer, reason: isReason(reason) ? reason : 'none' })
}
