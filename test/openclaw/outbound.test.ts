import { PlatformMessageNotDispatchedError } from 'openclaw/plugin-sdk/error-runtime'
import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/control/errors.ts'
import { sendHostText } from '../../src/openclaw/outbound.ts'
import { goLive, refusalOf, SENT, STATUS } from './live.ts'

describe('what the host says by itself', () => {
  it('is marked kind host, and one retry of the host is the same message', async () => {
    const calls = goLive(() => SENT)
    const text = { to: 'bob', text: 'heartbeat', deliveryQueueId: 'q1' }
    const { signal } = new AbortController()
    await sendHostText({ ...text, signal })
    await sendHostText({ ...text, deliveryPartIndex: 1 })
    await sendHostText(text)
    expect(calls[0]).toEqual({
      method: 'send',
      params: { target: 'bob', text: 'heartbeat', kind: 'host', waitFor: 'delivered', idempotencyKey: 'host:q1:0' },
      signal
    })
    expect(calls.map(({ params }) => params.idempotencyKey)).toEqual(['host:q1:0', 'host:q1:1', 'host:q1:0'])
  })

  it('is a message of its own where the host names no delivery', async () => {
    const calls = goLive(() => SENT)
    await sendHostText({ to: 'bob', text: 'same' })
    await sendHostText({ to: 'bob', text: 'same' })
    expect(new Set(calls.map(({ params }) => params.idempotencyKey)).size).toBe(2)
  })

  it('D-18: gives the id, and beside it level, path and milliseconds', async () => {
    goLive(() => SENT)
    await expect(sendHostText({ to: 'bob', text: 'x' })).resolves.toEqual({
      channel: 'libp2p-mesh',
      messageId: SENT.id,
      meta: { level: 'delivered', path: 'lan', ms: 12.4, to: SENT.to.instanceId, peerId: SENT.to.peerId }
    })
  })

  it.each([
    ['pending', `${SENT.id} (pending: it is delivered when bob can be reached)`],
    ['received', `${SENT.id} (received)`],
    ['answered', SENT.id]
  ] as const)('an absent peer is no error: level %s reads %j', async (level, messageId) => {
    goLive(() => ({ ...SENT, level, path: null, reason: level === 'answered' ? null : 'no_reply' }))
    const result = await sendHostText({ to: 'bob', text: 'x' })
    expect(result).toMatchObject({ messageId, meta: { level, path: null } })
  })

  it.each([
    [new MeshError('unknown_target', { detail: 'bob' }), /^Nobody here is known as "bob"; /],
    [new MeshError('engine_down', { retryable: true }), /^The mesh is starting or restarting; /],
    [new TypeError('x is undefined'), /^Something went wrong inside the mesh \(x is undefined\); /]
  ])('%s is one sentence, which the host does not repeat', async (error, sentence) => {
    goLive(() => {
      throw error
    })
    const refusal = await refusalOf(sendHostText({ to: 'bob', text: 'x' }))
    expect(refusal).toBeInstanceOf(PlatformMessageNotDispatchedError)
    expect(refusal).toMatchObject({ retryable: false, cause: error, message: expect.stringMatching(sentence) })
    expect(refusal.message).not.toContain('\n')
  })

  it('a refusal for want of admission names this instance, for the owner of the peer', async () => {
    goLive(({ method }) => {
      if (method === 'status') return STATUS
      throw new MeshError('refused_by_peer', { reason: 'not_admitted', peer: 'bob@x' })
    })
    const { message } = await refusalOf(sendHostText({ to: 'bob', text: 'x' }))
    expect(message).toContain(STATUS.instanceId)
  })

  it('says that no mesh is running outside a gateway', async () => {
    const { message } = await refusalOf(sendHostText({ to: 'bob', text: 'x' }))
    expect(message).toMatch(/^No mesh is running; start the gateway /)
  })
})
