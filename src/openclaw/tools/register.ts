import type { HostApi } from '../host-types.ts'
import { BROADCAST_TOOL, executeBroadcast } from './broadcast.ts'
import { executePeers, PEERS_TOOL } from './peers.ts'
import { executeSend, SEND_TOOL, type SendContext } from './send.ts'
import { executeStatus, STATUS_TOOL } from './status.ts'

/** Registers the agent's tools. None of them can approve, trust or invite: that is the owner's. */
export function registerTools(api: HostApi): void {
  // Straight in the model's tool list, not behind the host's tool search.
  const visible = { catalogMode: 'direct-only' as const }
  api.registerTool(
    (context: SendContext) => ({
      ...SEND_TOOL,
      ...visible,
      execute: async (_id: string, params: unknown, signal?: AbortSignal) => await executeSend(context, params, signal)
    }),
    { name: SEND_TOOL.name }
  )
  api.registerTool(
    {
      ...BROADCAST_TOOL,
      ...visible,
      execute: async (_id: string, params: unknown, signal?: AbortSignal) => await executeBroadcast(params, signal)
    },
    { name: BROADCAST_TOOL.name }
  )
  api.registerTool(
    {
      ...PEERS_TOOL,
      ...visible,
      execute: async (_id: string, params: unknown, signal?: AbortSignal) => await executePeers(params, signal)
    },
    { name: PEERS_TOOL.name }
  )
  api.registerTool(
    (context: SendContext) => ({
      ...STATUS_TOOL,
      ...visible,
      execute: async (_id: string, params: unknown, signal?: AbortSignal) =>
        await executeStatus(context, params, signal)
    }),
    { name: STATUS_TOOL.name }
  )
}
