import { defineSetupPluginEntry } from 'openclaw/plugin-sdk/channel-core'
import { meshChannel } from './channel.ts'

/** What the host loads for setup and lists: the channel's description, no node, no libp2p. */
export const setupPlugin: unknown = defineSetupPluginEntry(meshChannel)
