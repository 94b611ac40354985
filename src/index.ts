import { defineChannelPluginEntry } from 'openclaw/plugin-sdk/channel-core'
import { meshChannel } from './openclaw/channel.ts'
import { registerCli } from './openclaw/cli.ts'
import { registerRpc } from './openclaw/rpc.ts'
import { keepRuntime } from './openclaw/runtime.ts'
import { registerTools } from './openclaw/tools/register.ts'

/** The plugin as OpenClaw loads it: registers, decides nothing. */
const entry: unknown = defineChannelPluginEntry({
  id: 'libp2p-mesh',
  name: 'libp2p mesh',
  description: 'Direct, encrypted messages between OpenClaw instances, without a server.',
  plugin: meshChannel,
  registerCliMetadata: registerCli,
  registerFull(api) {
    keepRuntime(api)
    registerTools(api)
    if (api.registrationMode === 'full') registerRpc(api)
  }
})

export default entry
