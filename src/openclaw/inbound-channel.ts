import { safe } from '../protocol/index.ts'
import { resolveAccount } from './account-config.ts'
import type { HostConfig, HostRuntime } from './host-types.ts'

/** What is asked of the host. */
export interface HostChannels {
  config: { current(): unknown }
  channel: { outbound: Pick<HostRuntime['channel']['outbound'], 'loadAdapter'> }
}

/** Whether texts can be sent through this channel of the host: it is installed and set up. */
export async function hasChannel({ channel }: Pick<HostChannels, 'channel'>, name: string): Promise<boolean> {
  return (await channel.outbound.loadAdapter(name)) !== undefined
}

/** A sentence when `inboundChannel` names a channel that the host does not have. */
export async function inboundChannelIssues(host: HostChannels): Promise<string[]> {
  const name = resolveAccount(host.config.current() as HostConfig).settings?.inboundChannel
  if (name === undefined || (await hasChannel(host, name))) return []
  return [
    `inboundChannel is "${safe(name)}", a channel that this gateway does not have: messages of peers wait about an hour and are then refused. Install and set up that channel, or change inboundChannel.`
  ]
}
