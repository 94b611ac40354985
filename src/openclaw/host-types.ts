import type { OpenClawConfig, OpenClawPluginApi, PluginRuntime } from 'openclaw/plugin-sdk/channel-core'

/** Names for the parts of the host that this room touches. */
export type HostConfig = OpenClawConfig
export type HostApi = OpenClawPluginApi
export type HostRuntime = PluginRuntime
export type ChannelRuntime = PluginRuntime['channel']
export type SystemEvents = Pick<PluginRuntime['system'], 'enqueueSystemEvent'>
