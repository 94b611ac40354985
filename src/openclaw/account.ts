import { AsyncLocalStorage } from 'node:async_hooks'
import { channelReadyPatch, channelStoppedPatch } from 'openclaw/plugin-sdk/gateway-runtime'
import { packageVersion } from '../commands/index.ts'
import type { HostPorts } from '../control/bridge.ts'
import type { MeshEvent } from '../mesh/events.ts'
import type { Log } from '../mesh/ports.ts'
import type { Settings } from '../settings/index.ts'
import { ACCOUNT_ID, type MeshAccount } from './account-config.ts'
import { ChannelDisplay, type ChannelTarget } from './display.ts'
import { watchEnd } from './drain.ts'
import { EngineThread } from './engine-thread.ts'
import { type HostLogSink, hostLog } from './host-log.ts'
import type { ChannelRuntime, HostConfig, HostRuntime } from './host-types.ts'
import { InboundAgent } from './inbound.ts'
import { HostNotices } from './notices.ts'
import { HostPairing } from './pairing.ts'
import { peerTools } from './peer-tools.ts'
import { SessionTurns } from './session-turns.ts'
import { SettingsWatch } from './settings-watch.ts'
import { publishAccount } from './slot.ts'

/** What the host passes to startAccount, as far as we use it. */
export interface AccountContext {
  account: MeshAccount
  abortSignal: AbortSignal
  log?: HostLogSink
  channelRuntime?: unknown
  setStatus(next: { accountId: string } & Record<string, unknown>): void
}

/**
 * The life of the account: starts the engine's thread, stays until the host aborts, and takes everything down again. Whatever the engine does,
 * nothing is thrown here after the start.
 *
 * @throws Error with one sentence when the settings are wrong
 */
export async function runAccount(context: AccountContext, runtime: HostRuntime): Promise<void> {
  const { account, abortSignal } = context
  if (account.settings === undefined) throw new Error(account.problem ?? 'libp2p-mesh is not configured.')
  const log = hostLog(context.log ?? console)
  const status = (patch: Record<string, unknown>): void => context.setStatus({ accountId: ACCOUNT_ID, ...patch })
  const watch = new SettingsWatch(
    { config: () => runtime.config.current() as HostConfig, log },
    { settings: account.settings, onChange: live => engine.update(live) }
  )
  const turns = new SessionTurns()
  const host = hostPorts(context, runtime, { settings: () => watch.settings, log, status, turns })
  const engine = new EngineThread(
    { host },
    {
      url: new URL('./engine.js', import.meta.url),
      options: {
        stateDir: runtime.state.resolveStateDir(process.env),
        settings: account.settings,
        pendingSettings: account.pending,
        version: packageVersion(),
        program: 'openclaw gateway'
      }
    }
  )
  const pairing = new HostPairing({
    lists: runtime.channel.pairing,
    config: () => runtime.config.current() as HostConfig,
    approvals: async (entries, options) => await engine.approvals(entries, options),
    log
  })
  const withdraw = publishAccount({
    client: engine.client(),
    health: () => engine.health,
    causeOf: session => turns.causeOf(session)
  })
  const end = watchEnd()
  try {
    pairing.start()
    // The host drains before it aborts the account; an engine that is gone settles every call that it would wait for.
    await engine.run(eitherSignal(abortSignal, end.signal))
    await aborted(abortSignal)
  } finally {
    watch.stop()
    pairing.stop()
    end.unwatch()
    withdraw()
    status(channelStoppedPatch())
  }
}

function hostPorts(
  context: AccountContext,
  runtime: HostRuntime,
  {
    settings,
    log,
    status,
    turns
  }: { settings: () => Settings; log: Log; status: (patch: Record<string, unknown>) => void; turns: SessionTurns }
): HostPorts {
  const config = (): HostConfig => runtime.config.current() as HostConfig
  const inbound = (): ChannelTarget | undefined => channelTarget(settings())
  return {
    ...(inbound() === undefined
      ? {
          agent: new InboundAgent({
            channelRuntime: (context.channelRuntime ?? runtime.channel) as ChannelRuntime,
            config,
            log,
            turns,
            tools: () => peerTools(settings().trustedTools, config()).tools,
            // Taken here because the host refuses dispatches from any other async context after a hot update.
            inAccountContext: AsyncLocalStorage.snapshot()
          })
        }
      : { display: new ChannelDisplay({ config }, { target: inbound }) }),
    log,
    notices: new HostNotices({ config, system: runtime.system }, { inbound }),
    event: (event: MeshEvent) => {
      if (event.type === 'ready') status({ ...channelReadyPatch(), name: event.peerId, mode: 'libp2p' })
      else if (event.type === 'waiting') status({ lastError: event.reason })
      else status({ lastTransportActivityAt: Date.now() })
    }
  }
}

function channelTarget(settings: Settings): ChannelTarget | undefined {
  const { inboundChannel, inboundTarget } = settings
  return inboundChannel === undefined || inboundTarget === undefined
    ? undefined
    : { channel: inboundChannel, to: inboundTarget }
}

/** Made once per account, not per message: a signal that follows two others stays known to both for their lives. */
function eitherSignal(first: AbortSignal, second: AbortSignal): AbortSignal {
  return AbortSignal.any([first, second])
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
