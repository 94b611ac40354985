import { type ChannelPlugin, createChatChannelPlugin } from 'openclaw/plugin-sdk/channel-core'
import { createChannelMessageAdapterFromOutbound } from 'openclaw/plugin-sdk/channel-outbound'
import { TEXT_MAX_BYTES } from '../protocol/limits.ts'
import { LIVE_SETTINGS } from '../settings/index.ts'
import { PLUGIN_ID } from '../settings/plugin-id.ts'
import { runAccount } from './account.ts'
import { ACCOUNT_ID, type MeshAccount, resolveAccount, settingsBlock } from './account-config.ts'
import { handleSend } from './actions.ts'
import { directoryEntries } from './directory.ts'
import { otherCopyIssues } from './other-copies.ts'
import { sendHostText } from './outbound.ts'
import { pairingText } from './pairing.ts'
import { gatewayClient } from './rpc.ts'
import { hostRuntime } from './runtime.ts'
import { findLiveAccount } from './slot.ts'
import { accountSnapshot, type MeshProbe, probeAccount, statusIssues } from './status.ts'

/** A character takes four bytes at most, so a chunk of this many fits one envelope. */
const CHUNK_MAX_CHARS = TEXT_MAX_BYTES / 4

/** Where settings may stand. */
const SETTINGS_PATHS = [`channels.${PLUGIN_ID}`, `plugins.entries.${PLUGIN_ID}.config`]

const outbound = {
  // The node lives in the gateway: a CLI process hands the message to it.
  deliveryMode: 'gateway' as const,
  textChunkLimit: CHUNK_MAX_CHARS,
  deliveryCapabilities: { durableFinal: { text: true } },
  // Who a target is, only the running mesh knows; sendText says it in one sentence.
  resolveTarget: ({ to }: { to?: string }) =>
    to === undefined || to.trim() === ''
      ? { ok: false as const, error: new Error('Name a peer: --target <instance id | name | peer id>.') }
      : { ok: true as const, to: to.trim() },
  sendText: sendHostText
}

/** The channel as the host sees it. */
export const meshChannel: ChannelPlugin<MeshAccount, MeshProbe> = createChatChannelPlugin<MeshAccount, MeshProbe>({
  base: {
    id: PLUGIN_ID,
    meta: {
      id: PLUGIN_ID,
      label: 'libp2p mesh',
      selectionLabel: 'libp2p mesh (direct, no server)',
      docsPath: '/channels/libp2p-mesh',
      blurb: 'Talk to other OpenClaw instances, on the same network or across the internet, without a server.'
    },
    capabilities: { chatTypes: ['direct'] },
    reload: {
      configPrefixes: SETTINGS_PATHS,
      // The account follows these by itself.
      noopPrefixes: SETTINGS_PATHS.flatMap(path => LIVE_SETTINGS.map(key => `${path}.${key}`))
    },
    config: {
      listAccountIds: cfg => (settingsBlock(cfg) === undefined ? [] : [ACCOUNT_ID]),
      resolveAccount,
      inspectAccount: resolveAccount,
      defaultAccountId: () => ACCOUNT_ID,
      isConfigured: account => account.configured,
      isEnabled: account => account.enabled,
      describeAccount: account => ({
        accountId: account.accountId,
        enabled: account.enabled,
        configured: account.configured
      }),
      // Empty by design: the host sends its owner's heartbeat to the first entry that a channel returns here.
      resolveAllowFrom: () => []
    },
    doctor: {
      collectPreviewWarnings: async ({ cfg, env = process.env }) => {
        const { resolveStateDir } = await import('openclaw/plugin-sdk/state-paths')
        return await otherCopyIssues({ stateDir: resolveStateDir(env), config: cfg })
      }
    },
    gateway: {
      startAccount: async context => await runAccount(context, hostRuntime())
    },
    actions: {
      describeMessageTool: () => ({ actions: ['send'] }),
      supportsAction: ({ action }) => action === 'send',
      resolveExecutionMode: () => 'gateway',
      handleAction: async context => await handleSend(context)
    },
    messaging: {
      targetPrefixes: [PLUGIN_ID],
      normalizeTarget: raw => raw.trim() || undefined,
      inferTargetChatType: () => 'direct',
      targetResolver: { looksLikeId: () => true, hint: '<instance id | name | peer id>' }
    },
    directory: {
      self: async () => null,
      listPeers: async ({ query, limit }) => {
        const client = findLiveAccount()?.client ?? gatewayClient()
        return directoryEntries(await client.call('peers', {}), query, limit)
      }
    },
    status: {
      probeAccount: async ({ account, timeoutMs }) => await probeAccount(account, timeoutMs),
      buildAccountSnapshot: ({ account, runtime, probe }) => accountSnapshot(account, runtime, probe),
      collectStatusIssues: accounts => statusIssues(accounts)
    },
    message: createChannelMessageAdapterFromOutbound({ id: PLUGIN_ID, outbound })
  },
  pairing: { text: pairingText },
  security: {
    dm: {
      channelKey: PLUGIN_ID,
      resolvePolicy: account => account.config.dmPolicy,
      resolveAllowFrom: account => account.config.allowFrom,
      defaultPolicy: 'pairing',
      approveHint: 'Approve with: openclaw p2p approve <instance id or peer id>'
    }
  },
  outbound
})
