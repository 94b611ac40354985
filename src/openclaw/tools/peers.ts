import * as z from 'zod'
import type { Peer } from '../../control/methods.ts'
import { safe } from '../../protocol/index.ts'
import { liveAccount } from '../slot.ts'
import { orSentence, type ToolResult, toolResult } from './result.ts'

export const PEERS_TOOL = {
  name: 'p2p_peers',
  label: 'Peers of the mesh',
  description:
    'List the other OpenClaw instances that this one knows: instance id, name, trust, whether connected and by which path (lan, direct, relayed), ' +
    'round trip, last seen, messages waiting. Only peers with trust "paired" or "trusted" can be written to.',
  parameters: { type: 'object', additionalProperties: false, properties: {} }
} as const

const paramsSchema = z.strictObject({})

export async function executePeers(raw: unknown, signal?: AbortSignal): Promise<ToolResult> {
  return await orSentence(async () => {
    paramsSchema.parse(raw ?? {})
    const peers = await liveAccount().client.call('peers', {}, { signal })
    return toolResult(peers.length === 0 ? 'No other instance is known yet.' : peers.map(peerLine).join('\n'), {
      peers
    })
  })
}

function peerLine(peer: Peer): string {
  const reach =
    peer.path === null
      ? `away, last seen ${peer.lastSeenAt ?? 'never'}`
      : `connected, path ${peer.path}${peer.rttMs === null ? '' : `, ${Math.round(peer.rttMs)} ms`}`
  const waiting = peer.queued === 0 ? '' : `, ${peer.queued} waiting`
  return `${safe(peer.instanceId)}: name ${safe(peer.name)}, ${peer.trust}, ${reach}${waiting}, peer id ${peer.peerId ?? 'not met yet'}`
}
