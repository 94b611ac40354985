import { PlatformMessageNotDispatchedError } from 'openclaw/plugin-sdk/error-runtime'
import type { SendResult } from '../control/methods.ts'
import { PLUGIN_ID } from '../settings/plugin-id.ts'
import { liveAccount } from './slot.ts'
import { sentenceFor } from './words.ts'

/** What the host passes to sendText, as far as we use it. */
export interface OutboundText {
  to: string
  text: string
  signal?: AbortSignal
  /** The host's own id of this delivery: a retry of the host carries the same one. */
  deliveryQueueId?: string
  deliveryPartIndex?: number
}

/**
 * Sends what the host says by itself: heartbeats, cron, notices, other plugins. Marked as host text: it starts no turn at the other side.
 * Accepted means committed: an absent peer is no error, the result says pending.
 */
export async function sendHostText(
  context: OutboundText
): Promise<{ channel: string; messageId: string; meta: Record<string, unknown> }> {
  try {
    const result = await liveAccount().client.call(
      'send',
      {
        target: context.to,
        text: context.text,
        kind: 'host',
        waitFor: 'delivered',
        idempotencyKey:
          context.deliveryQueueId === undefined
            ? crypto.randomUUID()
            : `host:${context.deliveryQueueId}:${context.deliveryPartIndex ?? 0}`
      },
      { signal: context.signal }
    )
    return { channel: PLUGIN_ID, messageId: shownId(result), meta: deliveryMeta(result) }
  } catch (error) {
    throw await hostError(error, context.to)
  }
}

/** The host prints the message id and nothing else for people, so an id that is not delivered yet says so. */
export function shownId({ id, level, to }: SendResult): string {
  if (level === 'delivered' || level === 'answered') return id
  return level === 'pending' ? `${id} (pending: it is delivered when ${to.name} can be reached)` : `${id} (${level})`
}

/** What stands beside the message id in the host's result. */
export function deliveryMeta(result: SendResult): Record<string, unknown> {
  const { level, path, ms, to, reason } = result
  return { level, path, ms, to: to.instanceId, peerId: to.peerId, ...(reason === null ? {} : { reason }) }
}

/** Not to be tried again by the host: what can be delivered later is in our outbox, and what was refused stays refused. */
async function hostError(error: unknown, target: string): Promise<Error> {
  return new PlatformMessageNotDispatchedError(await sentenceFor(error, target), { cause: error, retryable: false })
}
