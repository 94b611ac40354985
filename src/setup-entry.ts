import { defineSetupPluginEntry } from 'openclaw/plugin-sdk/channel-core'
import { meshChannel } from './openclaw/channel.ts'

/** What the host loads for setup and lists: the channel's description, no node, no libp2p. */
const entry: unknown = defineSetupPluginEntry(meshChannel)

export default entry
