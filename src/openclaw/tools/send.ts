import { createHash } from 'node:crypto'
import * as z from 'zod'
import { EXPIRY_MIN_MS, type SendResult, sendParamsSchema } from '../../control/methods.ts'
import { EXPIRY_MAX_MS, parseInstanceId, safe } from '../../protocol/index.ts'
import { frameReply } from '../frame-text.ts'
import { liveAccount } from '../slot.ts'
import { orSentence, type ToolResult, toolResult } from './result.ts'

/** An agent's answer takes a model call or more; a person would wait this long for it. */
const ANSWER_WAIT_DEFAULT_MS = 120_000
const WAIT_MAX_MS = 600_000

export const SEND_TOOL = {
  name: 'p2p_send_instance_message',
  label: 'Send to an instance',
  description:
    'Send a text to another OpenClaw instance of the mesh, addressed by its instance id, name or peer id (p2p_peers lists them). ' +
    'waitFor "delivered" (default) returns when the other side took it; "answered" waits for the reply of its agent and returns its text; ' +
    '"received" returns when it is stored there. An absent peer is no error: the result says pending, the message is delivered by itself when the ' +
    'peer is back, and must not be sent again.',
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['instanceId', 'message'],
    properties: {
      instanceId: { type: 'string', description: 'Whom to send to: instance id (label@fingerprint), name or peer id.' },
      message: { type: 'string', description: 'The text, 32 KiB at most.' },
      waitFor: {
        type: 'string',
        enum: ['received', 'delivered', 'answered'],
        description: 'Which receipt to wait for; "answered" when you need the reply.'
      },
      timeoutMs: {
        type: 'integer',
        minimum: 0,
        maximum: WAIT_MAX_MS,
        description: 'How long to wait; afterwards the message stays pending.'
      },
      expiresInMs: {
        type: 'integer',
        minimum: EXPIRY_MIN_MS,
        maximum: EXPIRY_MAX_MS,
        description:
          'How long the message may wait for an absent peer before it expires; 7 days by default. For what is of no use later.'
      }
    }
  }
} as const

const paramsSchema = z.strictObject({
  instanceId: sendParamsSchema.shape.target,
  message: sendParamsSchema.shape.text,
  waitFor: sendParamsSchema.shape.waitFor,
  timeoutMs: z.number().int().min(0).max(WAIT_MAX_MS).optional(),
  expiresInMs: sendParamsSchema.shape.expiresInMs
})

export interface SendContext {
  sessionKey?: string
}

/**
 * Sends for the session. When a crash cuts a turn off, the host runs it again and the model calls again, under a new call id: the same text from the
 * same session to the same peer, whose first call was never answered, is that first message and not a second one.
 */
export async function executeSend(context: SendContext, raw: unknown, signal?: AbortSignal): Promise<ToolResult> {
  const parsed = paramsSchema.safeParse(raw)
  return await orSentence(async () => {
    if (!parsed.success) throw parsed.error
    const params = parsed.data
    const waitFor = params.waitFor ?? 'delivered'
    const { client, causeOf } = liveAccount()
    const cause = causeOf(context.sessionKey ?? '')
    const result = await client.call(
      'send',
      {
        target: params.instanceId,
        text: params.message,
        waitFor,
        ...(params.timeoutMs !== undefined
          ? { timeoutMs: params.timeoutMs }
          : waitFor === 'answered'
            ? { timeoutMs: ANSWER_WAIT_DEFAULT_MS }
            : {}),
        ...(params.expiresInMs !== undefined && { expiresInMs: params.expiresInMs }),
        idempotencyKey: callKey(context.sessionKey ?? '', params.instanceId, params.message),
        keyUntilTold: true,
        ...(cause !== undefined && { cause }),
        ...(context.sessionKey === undefined ? {} : { session: context.sessionKey })
      },
      { signal }
    )
    // The reply stands in its frame and nowhere else.
    const { reply: _, ...details } = result
    return toolResult(sendSummary(result, waitFor), details)
  }, parsed.data?.instanceId)
}

function callKey(session: string, target: string, text: string): string {
  return `tool:${createHash('sha256')
    .update(JSON.stringify([session, target, text]))
    .digest('hex')}`
}

/** Which level, by which path, in how many ms, what is pending and what to do next. */
export function sendSummary(result: SendResult, waitFor: string): string {
  const to = safe(result.to.instanceId)
  const by = result.path === null ? '' : ` by path ${result.path}`
  const took = `in ${Math.round(result.ms)} ms`
  const repeated = result.repeated ? ' This call had already been made: nothing was sent twice.' : ''
  if (result.level === 'answered') {
    return `Answered by ${to}${by} ${took} (message ${result.id}).${repeated}\n${frameReply(result.reply ?? '', {
      name: result.to.name,
      instance: parseInstanceId(result.to.instanceId).fingerprint
    })}`
  }
  if (result.level === 'pending') {
    return `Pending: message ${result.id} to ${to} is stored here and will be delivered when the peer can be reached; waited ${took.slice(3)}. Do not send it again.${repeated}`
  }
  if (waitFor === 'answered' && result.reason === 'no_reply')
    return `Delivered to ${to}${by} ${took} (message ${result.id}); its agent gave no answer.${repeated}`
  if (waitFor === 'answered')
    return `${result.level === 'delivered' ? 'Delivered' : 'Received'} by ${to}${by} (message ${result.id}), no answer within ${took.slice(3)}. The answer will come by itself; do not send it again.${repeated}`
  const reached = `${result.level === 'delivered' ? 'Delivered to' : 'Received by'} ${to}${by} ${took} (message ${result.id}).`
  const waits = waitFor === 'delivered' && result.level === 'received'
  return `${reached}${waits ? ' It is stored there and not taken yet; that goes on by itself, do not send it again.' : ''}${repeated}`
}
