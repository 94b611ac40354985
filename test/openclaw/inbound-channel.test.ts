import { sendDurableMessageBatch } from 'openclaw/plugin-sdk/channel-outbound'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { showText } from '../../src/openclaw/display.ts'
import type { HostApi, HostConfig } from '../../src/openclaw/host-types.ts'
import { inboundChannelIssues } from '../../src/openclaw/inbound-channel.ts'
import { registerRpc } from '../../src/openclaw/rpc.ts'
import { keepRuntime } from '../../src/openclaw/runtime.ts'
import { probeAccount } from '../../src/openclaw/status.ts'
import { goLive, STATUS } from './live.ts'

vi.mock('openclaw/plugin-sdk/channel-outbound', () => ({ sendDurableMessageBatch: vi.fn() }))

const sendBatch = vi.mocked(sendDurableMessageBatch)

const MISSING =
  'inboundChannel is "feishu", a channel that this gateway does not have: messages of peers wait about an hour and are then refused. Install and set up that channel, or change inboundChannel.'

/** A host with the channels that are named, and our settings. */
function hostWith(channels: string[], settings: Record<string, unknown>) {
  return {
    config: { current: () => ({ channels: { 'libp2p-mesh': settings } }) },
    state: { resolveStateDir: () => '/nowhere' },
    channel: {
      outbound: {
        loadAdapter: async (name: string) => (channels.includes(name) ? ({} as never) : undefined)
      }
    }
  }
}

const toFeishu = { inboundChannel: 'feishu', inboundTarget: 'user:ou_xxx' }

describe('an inbound channel that the host does not have', () => {
  it.each([
    [['feishu'], toFeishu, []],
    [['fakechat'], {}, []],
    [['fakechat'], { ...toFeishu, name: 7 }, []],
    [['fakechat'], toFeishu, [MISSING]]
  ])('of %j with %j is said in one sentence, others are not', async (channels, settings, issues) => {
    await expect(inboundChannelIssues(hostWith(channels, settings))).resolves.toEqual(issues)
  })

  it.each([
    ['fails', 'Error: planted', () => Promise.reject(new Error('planted'))],
    ['hangs', 'it takes more than 5000 ms', () => new Promise<never>(() => undefined)]
  ])('S1.25: that %s to load is said with the reason, and messages wait', async (_, reason, loadAdapter) => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const host = { ...hostWith([], toFeishu), channel: { outbound: { loadAdapter } } }
    const issues = inboundChannelIssues(host)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await issues).toEqual([
      expect.stringContaining(`"feishu", a channel that does not load (${reason}): messages of peers wait`)
    ])
    keepRuntime({ registrationMode: 'full', runtime: host } as unknown as HostApi)
    const shown = showText({} as HostConfig, { channel: 'feishu', to: 'user:ou_xxx' }, 'x')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await shown).toMatchObject({ outcome: 'retry', detail: expect.stringContaining(reason) })
    Reflect.deleteProperty(globalThis, Symbol.for('libp2p-mesh/runtime/1'))
  })

  describe('in a gateway', () => {
    beforeEach(() => {
      keepRuntime({ registrationMode: 'full', runtime: hostWith(['fakechat'], toFeishu) } as unknown as HostApi)
    })

    afterEach(() => {
      Reflect.deleteProperty(globalThis, Symbol.for('libp2p-mesh/runtime/1'))
      sendBatch.mockReset()
    })

    it('S1.25: stands beside what the engine says, in the status command and in the probe', async () => {
      goLive(() => ({ ...STATUS, issues: ['Port 4001 is taken.'] }))
      const served = new Map<string, (call: object) => Promise<void>>()
      registerRpc({
        registerGatewayMethod: (name: string, method: never) => void served.set(name, method)
      } as unknown as HostApi)
      const respond = vi.fn()
      await served.get('libp2p-mesh.status')?.({ params: {}, respond })
      expect(respond).toHaveBeenCalledExactlyOnceWith(true, { ...STATUS, issues: ['Port 4001 is taken.', MISSING] })
      const account = { accountId: 'default', enabled: true, configured: true, pending: [] }
      const probe = await probeAccount({ ...account, config: { dmPolicy: 'pairing', allowFrom: [] } }, 1_000)
      expect(probe.status?.issues).toEqual(['Port 4001 is taken.', MISSING])
    })

    it('S1.25: is not even tried, so that the message waits instead of ending with an unknown outcome', async () => {
      sendBatch.mockResolvedValue({ status: 'failed', error: new Error('queueCustody: held') } as never)
      const cfg = {} as HostConfig
      await expect(showText(cfg, { channel: 'feishu', to: 'user:ou_xxx' }, 'x')).resolves.toEqual({
        outcome: 'retry',
        detail: 'channel feishu is not available'
      })
      expect(sendBatch).not.toHaveBeenCalled()
      await expect(showText(cfg, { channel: 'fakechat', to: 'user:ou_xxx' }, 'x')).resolves.toMatchObject({
        outcome: 'unknown'
      })
      expect(sendBatch).toHaveBeenCalledOnce()
    })
  })
})
