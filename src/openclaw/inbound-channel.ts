import { safe } from '../protocol/index.ts'
import { resolveAccount } from './account-config.ts'
import type { HostConfig, HostRuntime } from './host-types.ts'

/** What is asked of the host. */
export interface HostChannels {
  config: { current(): unknown }
  channel: { outbound: Pick<HostRuntime['channel']['outbound'], 'loadAdapter'> }
}

/** `broken`: the host has it, and it does not load, for this reason. */
export type ChannelState = { state: 'ready' } | { state: 'missing' } | { state: 'broken'; reason: string }

/** Longest wait for a channel to load: its code is not ours. */
const LOAD_MAX_MS = 5_000

/** Longest reason in a sentence. */
const REASON_MAX_CHARS = 120

/** Whether texts can be sent through this channel of the host: it is installed, set up, and loads. Never rejects. */
export async function channelState({ channel }: Pick<HostChannels, 'channel'>, name: string): Promise<ChannelState> {
  const { promise: late, resolve } = Promise.withResolvers<ChannelState>()
  const timer = setTimeout(
    () => resolve({ state: 'broken', reason: `it takes more than ${LOAD_MAX_MS} ms` }),
    LOAD_MAX_MS
  )
  try {
    return await Promise.race([loaded(channel, name), late])
  } catch (error) {
    return { state: 'broken', reason: safe(String(error), REASON_MAX_CHARS) }
  } finally {
    clearTimeout(timer)
  }
}

async function loaded(channel: HostChannels['channel'], name: string): Promise<ChannelState> {
  return (await channel.outbound.loadAdapter(name)) === undefined ? { state: 'missing' } : { state: 'ready' }
}

/** A sentence when texts cannot be shown on `inboundChannel`. */
export async function inboundChannelIssues(host: HostChannels): Promise<string[]> {
  const name = resolveAccount(host.config.current() as HostConfig).settings?.inboundChannel
  if (name === undefined) return []
  const found = await channelState(host, name)
  if (found.state === 'ready') return []
  const [what, remedy] =
    found.state === 'missing'
      ? ['this gateway does not have', 'Install and set up that channel']
      : [`does not load (${found.reason})`, 'Repair that channel']
  return [
    `inboundChannel is "${safe(name)}", a channel that ${what}: messages of peers wait about an hour and are then refused. ${remedy}, or change inboundChannel.`
  ]
}
