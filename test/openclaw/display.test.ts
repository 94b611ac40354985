import { sendDurableMessageBatch } from 'openclaw/plugin-sdk/channel-outbound'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ChannelDisplay, senderLine } from '../../src/openclaw/display.ts'
import type { HostConfig } from '../../src/openclaw/host-types.ts'
import { inboundOf } from './inbound-of.ts'

vi.mock('openclaw/plugin-sdk/channel-outbound', () => ({ sendDurableMessageBatch: vi.fn() }))

const send = vi.mocked(sendDurableMessageBatch) as unknown as ReturnType<typeof vi.fn>
const cfg = { channels: {} } as HostConfig
const display = new ChannelDisplay({ config: () => cfg }, { target: () => ({ channel: 'feishu', to: 'user:ou_1' }) })

afterEach(() => {
  vi.useRealTimers()
  send.mockReset()
})

/** The host's code for an error whose text was neither sent nor kept. */
const notDispatched = Object.assign(new Error('no such channel'), { code: 'OPENCLAW_PLATFORM_MESSAGE_NOT_DISPATCHED' })

describe('showing a text on another channel', () => {
  it('S1.43: sends it once, below its sender, and is done with a message id of that channel', async () => {
    send.mockResolvedValue({ status: 'sent', receipt: { platformMessageIds: ['om_1'] } })
    await expect(display.show(inboundOf('hello\nthere'))).resolves.toEqual({ outcome: 'done' })
    expect(send.mock.calls).toEqual([
      [
        {
          cfg,
          channel: 'feishu',
          to: 'user:ou_1',
          payloads: [{ text: 'ana (aaaa-bbbb)\nhello\nthere' }],
          durability: 'best_effort'
        }
      ]
    ])
  })

  it('R-02: says of a second try, and of no other, that it may repeat a message, and which', async () => {
    send.mockResolvedValue({ status: 'sent', receipt: { platformMessageIds: ['om_1'] } })
    const inbound = inboundOf('hello', { mayRepeat: true })
    await display.show(inbound)
    expect(send.mock.calls[0]?.[0]).toMatchObject({
      payloads: [{ text: `ana (aaaa-bbbb) - may be a repetition of message ${inbound.id}\nhello` }]
    })
  })

  it('comes again only where the host says that nothing was sent or kept', async () => {
    send.mockResolvedValue({ status: 'failed', error: notDispatched })
    await expect(display.show(inboundOf('x'))).resolves.toEqual({
      outcome: 'retry',
      detail: 'channel feishu is not available'
    })
  })

  it.each([
    ['sent without an id', { status: 'sent', receipt: { platformMessageIds: [] } }],
    ['suppressed', { status: 'suppressed', reason: 'adapter_returned_no_identity' }],
    ['sent in part', { status: 'partial_failed', sentBeforeError: true, error: notDispatched }],
    ['failed, with the row kept by the host', { status: 'failed', error: new Error('queueCustody: held') }],
    ['failed without an error', { status: 'failed' }]
  ])('S1.66: %s is unknown', async (_, result) => {
    send.mockResolvedValue(result)
    await expect(display.show(inboundOf('x'))).resolves.toMatchObject({ outcome: 'unknown' })
  })

  it('a throw is unknown', async () => {
    send.mockRejectedValue(new Error('adapter is broken'))
    await expect(display.show(inboundOf('x'))).resolves.toEqual({ outcome: 'unknown', detail: 'adapter is broken' })
  })

  it('an adapter that hangs is unknown after a minute, and at once when we stop', async () => {
    vi.useFakeTimers()
    send.mockReturnValue(new Promise(() => {}))
    let outcome: unknown
    void display.show(inboundOf('x')).then(shown => {
      outcome = shown
    })
    await vi.advanceTimersByTimeAsync(59_999)
    expect(outcome).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(outcome).toEqual({ outcome: 'unknown', detail: 'channel feishu did not answer' })

    const stop = new AbortController()
    const shown = display.show(inboundOf('x'), { signal: stop.signal })
    stop.abort()
    await expect(shown).resolves.toMatchObject({ outcome: 'unknown' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('S-17, S-28: puts a name on one line, with its fingerprint', () => {
    expect(senderLine('bob\n\u001b[31m (zzzz-zzzz)', 'aaaa-bbbb-cccc-dddd-eeee-ffff')).toBe(
      'bob\\u000a\\u001b[31m (zzzz-zzzz) (aaaa-bbbb)'
    )
  })
})
