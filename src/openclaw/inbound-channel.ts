import { safe } from '../protocol/index.ts'
import { resolveAccount } from './account-config.ts'
import type { HostConfig, HostRuntime } from './host-types.ts'

/** What is asked of the host. */
export interface HostChannels {
  config: { current(): unknown }
  channel: { outbound: Pick<HostRuntime['channel']['outbound'], 'loadAdapter'> }
}

/** `broken`: the host has it, and it does not load. */
export type ChannelState = 'ready' | 'missing' | 'broken'

/** Longest wait for a channel to load: its code is not ours. */
const LOAD_MAX_MS = 5_000

/** Whether texts can be sent through this channel of the host: it is installed, set up, and loads. Never rejects. */
export async function channelState({ channel }: Pick<HostChannels, 'channel'>, name: string): Promise<ChannelState> {
  const { promise: late, resolve } = Promise.withResolvers<ChannelState>()
  const timer = setTimeout(() => resolve('broken'), LOAD_MAX_MS)
  try {
    return await Promise.race([loaded(channel, name), late])
  } catch {
    // Why is told by the host, which loads it too.
    return 'broken'
  } finally {
    clearTimeout(timer)
  }
}

async function loaded(channel: HostChannels['channel'], name: string): Promise<ChannelState> {
  return (await channel.outbound.loadAdapter(name)) === undefined ? 'missing' : 'ready'
}

/** A sentence when texts cannot be shown on `inboundChannel`. */
export async function inboundChannelIssues(host: HostChannels): Promise<string[]> {
  const name = resolveAccount(host.config.current() as HostConfig).settings?.inboundChannel
  if (name === undefined) return []
  const state = await channelState(host, name)
  if (state === 'ready') return []
  const [what, remedy] =
    state === 'missing'
      ? ['this gateway does not have', 'Install and set up that channel']
      : ['does not load', 'See what the log says of that channel']
  return [
    `inboundChannel is "${safe(name)}", a channel that ${what}: messages of peers wait about an hour and are then refused. ${remedy}, or change inboundChannel.`
  ]
}
