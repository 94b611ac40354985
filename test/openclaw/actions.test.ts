import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/control/errors.ts'
import { handleSend } from '../../src/openclaw/actions.ts'
import { goLive, refusalOf, SENT } from './live.ts'

const send = async (params: Record<string, unknown>, sessionKey?: string) =>
  await handleSend({ action: 'send', params, sessionKey })

describe('openclaw message send', () => {
  it('S1.58: is an ordinary message that waits for its delivery, told with level, path and milliseconds', async () => {
    const calls = goLive(() => SENT)
    const { content, details } = await send({ to: 'bob', message: ' hello ' }, 'agent:main:main')
    expect(calls.map(({ params }) => params)).toEqual([
      {
        target: 'bob',
        text: ' hello ',
        waitFor: 'delivered',
        session: 'agent:main:main',
        idempotencyKey: expect.stringMatching(/^action:[0-9a-f]{64}$/)
      }
    ])
    expect(details).toEqual({
      ok: true,
      messageId: SENT.id,
      id: SENT.id,
      level: 'delivered',
      path: 'lan',
      ms: 12.4,
      to: SENT.to.instanceId,
      peerId: SENT.to.peerId
    })
    expect(content).toEqual([{ type: 'text', text: JSON.stringify(details) }])
  })

  it('S-23: of a session that works on a peer`s message goes on with its trace', async () => {
    const calls = goLive(
      () => SENT,
      { running: true, restarts: 0 },
      session => (session === 'agent:main:subagent:libp2p-mesh-12d3' ? 'ab'.repeat(16) : undefined)
    )
    await send({ to: 'bob', message: 'hello' }, 'agent:main:subagent:libp2p-mesh-12d3')
    await send({ to: 'bob', message: 'hello' })
    expect(calls.map(({ params }) => params.cause)).toEqual(['ab'.repeat(16), undefined])
  })

  it('the same call of the host is the same message, another one is not', async () => {
    const calls = goLive(() => SENT)
    const params = { target: 'bob', message: 'hello' }
    // The host puts the call id of the model in, which no one bounds.
    await send({ ...params, idempotencyKey: `run:${'c'.repeat(2_000)}:1` })
    await send({ ...params, idempotencyKey: `run:${'c'.repeat(2_000)}:1` })
    await send({ ...params, idempotencyKey: `run:${'c'.repeat(2_000)}:2` })
    await send(params)
    await send(params)
    const [first, repeated, ...others] = calls.map(call => String(call.params.idempotencyKey))
    expect(repeated).toBe(first)
    expect(new Set([first, ...others]).size).toBe(4)
    expect(first?.length).toBeLessThan(512)
  })

  it('an absent peer is pending with the id', async () => {
    goLive(() => ({ ...SENT, level: 'pending', path: null }))
    const { details } = await send({ to: 'bob', message: 'hello' })
    expect(details).toMatchObject({
      ok: true,
      id: SENT.id,
      level: 'pending',
      messageId: `${SENT.id} (pending: it is delivered when bob can be reached)`
    })
  })

  it.each([
    [{ message: 'hello' }, /^Name a peer: /],
    [{ to: '  ', message: 'hello' }, /^Name a peer: /],
    [{ to: 'bob' }, /^The text is empty; /],
    [{ to: 'bob', message: ' \n' }, /^The text is empty; /],
    [{ to: 'bob', message: 'look', media: './cat.png' }, /^The mesh carries text only; /]
  ])('%j is one sentence, and nothing is sent', async (params, sentence) => {
    const calls = goLive(() => SENT)
    const refusal = await refusalOf(send(params))
    expect(String(refusal)).toMatch(sentence)
    expect(calls).toEqual([])
  })

  it('D-18: a refusal is one sentence and no name of a class', async () => {
    goLive(() => {
      throw new MeshError('ambiguous_target', { candidates: ['twin@a', 'twin@b'] })
    })
    const refusal = await refusalOf(send({ to: 'twin', message: 'x' }))
    expect(String(refusal)).toBe('"twin" fits 2 instances: twin@a, twin@b. Name one of them in full.')
  })
})
