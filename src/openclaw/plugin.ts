import { defineChannelPluginEntry } from 'openclaw/plugin-sdk/channel-core'
import { meshChannel } from './channel.ts'
import { registerCli } from './cli.ts'
import { watchDrain } from './drain.ts'
import { registerRpc } from './rpc.ts'
import { keepRuntime } from './runtime.ts'
import { registerTools } from './tools/register.ts'

/** The plugin as OpenClaw loads it: registers, decides nothing. */
export const plugin: unknown = defineChannelPluginEntry({
  id: 'libp2p-mesh',
  name: 'libp2p mesh',
  description: 'Direct, encrypted messages between OpenClaw instances, without a server.',
  plugin: meshChannel,
  registerCliMetadata: registerCli,
  registerFull(api) {
    keepRuntime(api)
    registerTools(api)
    if (api.registrationMode !== 'full') return
    registerRpc(api)
    watchDrain(api)
  }
})
