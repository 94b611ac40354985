import type { OpenClawConfig } from 'openclaw/plugin-sdk/channel-core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MeshError } from '../../src/control/errors.ts'
import type { Status } from '../../src/control/methods.ts'
import { resolveAccount } from '../../src/openclaw/account-config.ts'
import { accountSnapshot, probeAccount, statusIssues } from '../../src/openclaw/status.ts'
import { goLive, STATUS } from './live.ts'

const account = resolveAccount({ channels: { 'libp2p-mesh': {} } } as OpenClawConfig)
const broken = resolveAccount({ channels: { 'libp2p-mesh': { name: 7 } } } as unknown as OpenClawConfig)

afterEach(() => {
  vi.useRealTimers()
})

describe('a probe', () => {
  it('has the report of the engine and the health of its thread', async () => {
    goLive(() => STATUS, { running: true, restarts: 2, lastError: 'boom' })
    await expect(probeAccount(account, 1_000)).resolves.toEqual({
      ok: true,
      status: STATUS,
      engine: { running: true, restarts: 2, lastError: 'boom' }
    })
  })

  it('says in a sentence what is wrong: the settings, no account, an engine that is down', async () => {
    await expect(probeAccount(broken, 1_000)).resolves.toEqual({ ok: false, error: broken.problem })
    await expect(probeAccount(account, 1_000)).resolves.toEqual({ ok: false, error: 'the mesh is not running' })
    goLive(() => {
      throw new MeshError('state_locked', { detail: 'pid 7' })
    })
    await expect(probeAccount(account, 1_000)).resolves.toMatchObject({
      ok: false,
      error: expect.stringMatching(/^The state directory is in use by another process \(pid 7\); .*\.$/),
      engine: { running: true }
    })
  })

  it.each([
    [500, 500],
    [60_000, 3_000]
  ])('given %d ms waits %d ms for an engine that hangs', async (timeoutMs, afterMs) => {
    vi.useFakeTimers()
    goLive(
      ({ signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
    )
    let probe: unknown
    void probeAccount(account, timeoutMs).then(result => {
      probe = result
    })
    await vi.advanceTimersByTimeAsync(afterMs - 1)
    expect(probe).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(probe).toMatchObject({ ok: false, error: expect.stringContaining('did not answer in time') })
  })
})

describe("the account's snapshot", () => {
  it('S1.56: shows the peer id as name, the connected peers, and the whole report', () => {
    const probe = { ok: true, status: STATUS, engine: { running: true, restarts: 0 } }
    expect(accountSnapshot(account, { accountId: 'default', running: true }, probe)).toEqual({
      accountId: 'default',
      running: true,
      enabled: true,
      configured: true,
      dmPolicy: 'pairing',
      name: STATUS.peerId,
      mode: '1 connected, unknown',
      baseUrl: STATUS.instanceId,
      connected: true,
      mesh: STATUS,
      probe,
      engine: probe.engine
    })
  })

  it('S1.56: shows whether others can dial in, and how many relays let them in', () => {
    const relay = { peer: '12D3KooWrelay', address: '/ip4/203.0.113.10/tcp/4001/p2p/12D3KooWrelay' }
    const relays: Status['relays'] = [
      { ...relay, state: 'reserved' },
      { ...relay, state: 'trying' }
    ]
    const status: Status = { ...STATUS, reachability: 'private', relays }
    expect(accountSnapshot(account, undefined, { ok: true, status })).toMatchObject({
      mode: '1 connected, private, 1 of 2 relays',
      mesh: { reachability: 'private', reachabilityReason: STATUS.reachabilityReason, relays, relay: null }
    })
  })

  it('leaves to the host what no probe has told, and says what is wrong with the settings', () => {
    const runtime = { accountId: 'default', running: true, name: 'kept', lastError: 'old' }
    expect(accountSnapshot(account, runtime, undefined)).toMatchObject({ name: 'kept', lastError: 'old' })
    expect(accountSnapshot(broken, runtime, undefined)).toMatchObject({ lastError: broken.problem })
  })
})

describe('the warnings of channels status', () => {
  it('are none for a mesh that works', () => {
    expect(statusIssues([{ accountId: 'default', mesh: STATUS, engine: { running: true, restarts: 0 } }])).toEqual([])
    expect(statusIssues([{ accountId: 'default' }])).toEqual([])
    const noticed = { ...STATUS, notices: { unread: 3 } }
    expect(statusIssues([{ accountId: 'default', mesh: noticed }]).map(({ message }) => message)).toEqual([
      '3 unread notices of the mesh: openclaw p2p inbox'
    ])
  })

  it('name each issue, the restarts with their reason, and settings without effect', () => {
    const mesh = { ...STATUS, issues: ['Port 4001 is taken.'], pendingSettings: ['relayList'] }
    const engine = { running: true, restarts: 3, lastError: 'planted throw' }
    expect(statusIssues([{ accountId: 'default', mesh, engine }])).toEqual([
      { channel: 'libp2p-mesh', accountId: 'default', kind: 'runtime', message: 'Port 4001 is taken.' },
      {
        channel: 'libp2p-mesh',
        accountId: 'default',
        kind: 'runtime',
        message: 'The engine was restarted 3 times; last reason: planted throw'
      },
      {
        channel: 'libp2p-mesh',
        accountId: 'default',
        kind: 'config',
        message: 'relayList is set, and has no effect in this release.'
      }
    ])
  })
})
