import type { ControlClient } from '../control/client.ts'
import type { Status } from '../control/methods.ts'
import { type MeshAccount, resolveAccount } from './account-config.ts'
import type { EngineHealth } from './engine-thread.ts'
import type { HostConfig } from './host-types.ts'
import { inboundChannelIssues } from './inbound-channel.ts'
import { otherCopyIssues } from './other-copies.ts'
import { peerToolIssues } from './peer-tools.ts'
import { findHostRuntime } from './runtime.ts'
import { findLiveAccount } from './slot.ts'
import { PROGRAM, sentenceFor } from './words.ts'

/** What `channels status --probe` shows beside the line of the channel; the whole of it stands in `--json`. */
export interface MeshProbe {
  ok: boolean
  error?: string
  status?: Status
  engine?: EngineHealth
}

/** Longest wait of a status command for the engine. */
const PROBE_MAX_MS = 3_000

/** The engine's report, and what it cannot know: whether the host has what the settings name. Runs in the gateway. */
export async function reportStatus(client: ControlClient, options: { signal?: AbortSignal } = {}): Promise<Status> {
  const status = await client.call('status', {}, options)
  const runtime = findHostRuntime()
  if (runtime === undefined) return status
  const config = runtime.config.current() as HostConfig
  const places = { stateDir: runtime.state.resolveStateDir(process.env), config }
  const { problem } = resolveAccount(config)
  const refused = problem === undefined ? [] : [`The settings are refused, those before stay in force: ${problem}`]
  const [channel, copies] = await Promise.all([inboundChannelIssues(runtime), otherCopyIssues(places)])
  return { ...status, issues: [...status.issues, ...refused, ...peerToolIssues(config), ...channel, ...copies] }
}

/** Asks the live engine; runs in the gateway. */
export async function probeAccount(account: MeshAccount, timeoutMs: number): Promise<MeshProbe> {
  if (account.problem !== undefined) return { ok: false, error: account.problem }
  const live = findLiveAccount()
  if (live === undefined) return { ok: false, error: 'the mesh is not running' }
  const deadline = new AbortController()
  const timer = setTimeout(
    () => deadline.abort(new Error('the engine did not answer in time')),
    Math.min(timeoutMs, PROBE_MAX_MS)
  )
  try {
    return {
      ok: true,
      status: await reportStatus(live.client, { signal: deadline.signal }),
      engine: live.health()
    }
  } catch (error) {
    return { ok: false, error: await sentenceFor(error), engine: live.health() }
  } finally {
    clearTimeout(timer)
  }
}

/** The account's snapshot: the host prints `name` in parentheses, so the peer id stands there, and `url` for the instance id. */
export function accountSnapshot(
  account: MeshAccount,
  runtime: Record<string, unknown> | undefined,
  probe: MeshProbe | undefined
): { accountId: string } & Record<string, unknown> {
  const status = probe?.status
  return {
    ...runtime,
    accountId: account.accountId,
    enabled: account.enabled,
    configured: account.configured,
    dmPolicy: account.config.dmPolicy,
    ...(account.problem === undefined ? {} : { lastError: account.problem }),
    ...(status === undefined
      ? {}
      : {
          name: status.peerId,
          mode: modeOf(status),
          baseUrl: status.instanceId,
          // A mesh without a peer in sight is healthy; the host would restart a channel that says otherwise.
          connected: true,
          mesh: status
        }),
    ...(probe === undefined ? {} : { probe, engine: probe.engine })
  }
}

/** In the host's one line for the channel: who is there, whether others can dial in, and how many relays let them in. */
function modeOf({ peers, reachability, relays }: Status): string {
  const reserved = relays.filter(({ state }) => state === 'reserved').length
  return `${peers} connected, ${reachability}${relays.length === 0 ? '' : `, ${reserved} of ${relays.length} relays`}`
}

/** What accountSnapshot added, as the host hands it back. */
interface MeshSnapshot {
  accountId: string
  mesh?: Status
  engine?: EngineHealth
}

export interface StatusIssue {
  channel: 'libp2p-mesh'
  accountId: string
  kind: 'config' | 'runtime'
  message: string
}

/** What does not work, a line each, in the warnings block of `channels status`. */
export function statusIssues(accounts: readonly object[]): StatusIssue[] {
  return accounts.flatMap((account): StatusIssue[] => {
    const { accountId, mesh: status, engine } = account as MeshSnapshot
    const runtime = (message: string): StatusIssue => ({ channel: 'libp2p-mesh', accountId, kind: 'runtime', message })
    return [
      ...(status?.issues ?? []).map(runtime),
      ...(status !== undefined && status.notices.unread > 0
        ? [runtime(`${status.notices.unread} unread notices of the mesh: ${PROGRAM} inbox`)]
        : []),
      ...(engine !== undefined && engine.restarts > 0
        ? [runtime(`The engine was restarted ${engine.restarts} times; last reason: ${engine.lastError}`)]
        : []),
      ...(status?.pendingSettings ?? []).map(
        (key): StatusIssue => ({
          channel: 'libp2p-mesh',
          accountId,
          kind: 'config',
          message: `${key} is set, and has no effect in this release.`
        })
      )
    ]
  })
}
