import * as z from 'zod'
import { liveAccount } from '../slot.ts'
import { orSentence, type ToolResult, toolResult } from './result.ts'

export const BROADCAST_TOOL = {
  name: 'p2p_broadcast',
  label: 'Broadcast to the mesh',
  description:
    'Publish a short text (8 KiB at most) to every connected, admitted instance of the mesh. Best effort: no receipts, no answers, absent peers miss it. ' +
    'Use p2p_send_instance_message when one instance must get it or should answer.',
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['message'],
    properties: { message: { type: 'string', description: 'The text for all.' } }
  }
} as const

const paramsSchema = z.strictObject({ message: z.string().min(1) })

export async function executeBroadcast(raw: unknown, signal?: AbortSignal): Promise<ToolResult> {
  return await orSentence(async () => {
    const { message } = paramsSchema.parse(raw)
    const result = await liveAccount().client.call('broadcast', { text: message }, { signal })
    const members = result.recipients === 1 ? '1 connected member' : `${result.recipients} connected members`
    const next = result.recipients === 0 ? ' Nobody was connected, so nobody got it.' : ''
    return toolResult(
      `Broadcast ${result.id} on ${result.topic} handed to ${members} in ${Math.round(result.ms)} ms.${next}`,
      result
    )
  })
}
