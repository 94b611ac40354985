import { createHash } from 'node:crypto'
import type { SendResult } from '../control/methods.ts'
import { deliveryMeta, shownId } from './outbound.ts'
import { liveAccount } from './slot.ts'
import { sentenceFor } from './words.ts'

/** What the host passes to handleAction, as far as we use it. */
export interface SendAction {
  action: string
  params: Record<string, unknown>
  /** The session that asked; absent for a person at the command line. */
  sessionKey?: string | null
  abortSignal?: AbortSignal
}

export interface ActionResult {
  content: { type: 'text'; text: string }[]
  details: Record<string, unknown>
}

/** One sentence for a person: the host prints the name of an error before its message, so this one has none. */
class Refusal extends Error {
  override readonly name = ''
}

/**
 * `openclaw message send` and the agent's message tool, in the gateway. Somebody wants to say something, so it is an ordinary message: the other
 * side's agent may answer it. Level, path and milliseconds stand in the result.
 */
export async function handleSend({ params, sessionKey, abortSignal }: SendAction): Promise<ActionResult> {
  const target = text(params.to) ?? text(params.target)
  const message = text(params.message)
  if (target === undefined) throw new Refusal('Name a peer: --target <instance id, name or peer id>.')
  if (message === undefined) throw new Refusal('The text is empty; say something with --message.')
  if (text(params.media) !== undefined) throw new Refusal('The mesh carries text only; leave the media out.')
  // The host's key holds the model's call id, which may be long; without one, the key makes this call safe to repeat when the engine restarts.
  const idempotencyKey = createHash('sha256')
    .update(text(params.idempotencyKey) ?? crypto.randomUUID())
    .digest('hex')
  try {
    const { client, causeOf } = liveAccount()
    const cause = causeOf(sessionKey ?? '')
    const result = await client.call(
      'send',
      {
        target,
        text: message,
        waitFor: 'delivered',
        idempotencyKey: `action:${idempotencyKey}`,
        ...(cause !== undefined && { cause }),
        ...(typeof sessionKey === 'string' ? { session: sessionKey } : {})
      },
      { signal: abortSignal }
    )
    return actionResult(result)
  } catch (error) {
    throw new Refusal(await sentenceFor(error, target), { cause: error })
  }
}

function actionResult(result: SendResult): ActionResult {
  const details = { ok: true, messageId: shownId(result), id: result.id, ...deliveryMeta(result) }
  return { content: [{ type: 'text', text: JSON.stringify(details) }], details }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}
