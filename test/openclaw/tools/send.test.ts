import { describe, expect, it } from 'vitest'
import { MeshError } from '../../../src/control/errors.ts'
import { executeSend, sendSummary } from '../../../src/openclaw/tools/send.ts'
import { CANARIES } from '../../fixtures/canaries.ts'
import { expectInert, framed } from '../framed.ts'
import { goLive, refusalOf, SENT } from '../live.ts'

const ASKED = { instanceId: 'bob', message: 'hello' }
const session = { sessionKey: 'agent:main:main' }

describe('p2p_send_instance_message', () => {
  it('S1.65: waits for the delivery, or for the answer with more patience, and passes the time on', async () => {
    const calls = goLive(() => SENT)
    const { signal } = new AbortController()
    await executeSend(session, ASKED, signal)
    await executeSend(session, { ...ASKED, waitFor: 'answered' })
    await executeSend(session, { ...ASKED, waitFor: 'received', timeoutMs: 0 })
    expect(calls.map(({ params }) => [params.waitFor, params.timeoutMs])).toEqual([
      ['delivered', undefined],
      ['answered', 120_000],
      ['received', 0]
    ])
    expect(calls[0]).toMatchObject({
      method: 'send',
      params: { target: 'bob', text: 'hello', session: 'agent:main:main', keyUntilTold: true },
      signal
    })
  })

  it('says how long the message may wait where it was told so, and nothing otherwise', async () => {
    const calls = goLive(() => SENT)
    await executeSend(session, { ...ASKED, expiresInMs: 60_000 })
    await executeSend(session, { ...ASKED, expiresInMs: 31 * 86_400_000 })
    await executeSend(session, ASKED)
    expect(calls.map(({ params }) => params.expiresInMs)).toEqual([60_000, 31 * 86_400_000, undefined])
  })

  it('S-23: what a session says while it works on a peer`s message goes on with the trace of that message', async () => {
    const causes = new Map([['agent:main:subagent:libp2p-mesh-12d3', 'ab'.repeat(16)]])
    const calls = goLive(
      () => SENT,
      { running: true, restarts: 0 },
      session => causes.get(session)
    )
    await executeSend({ sessionKey: 'agent:main:subagent:libp2p-mesh-12d3' }, ASKED)
    await executeSend(session, ASKED)
    await executeSend({}, ASKED)
    expect(calls.map(({ params }) => params.cause)).toEqual(['ab'.repeat(16), undefined, undefined])
  })

  it('has one key for the same text from the same session to the same peer, whatever it waits for', async () => {
    const calls = goLive(() => SENT)
    await executeSend(session, ASKED)
    await executeSend(session, { ...ASKED, waitFor: 'answered', timeoutMs: 5 })
    await executeSend({ sessionKey: 'agent:main:other' }, ASKED)
    await executeSend({}, ASKED)
    await executeSend(session, { ...ASKED, message: 'hello!' })
    await executeSend(session, { ...ASKED, instanceId: 'bobhello', message: 'x' })
    const [first, repeated, ...others] = calls.map(({ params }) => params.idempotencyKey)
    expect(first).toMatch(/^tool:[0-9a-f]{64}$/)
    expect(repeated).toBe(first)
    expect(new Set([first, ...others]).size).toBe(5)
  })

  it.each([
    [undefined, /not allowed/],
    ['bob', /not allowed/],
    [{ instanceId: 'bob' }, /^message is not allowed: /],
    [{ ...ASKED, message: '' }, /^message is not allowed: /],
    [{ ...ASKED, instanceId: 'x'.repeat(300) }, /^instanceId is not allowed: /],
    [{ ...ASKED, waitFor: 'read' }, /^waitFor is not allowed: /],
    [{ ...ASKED, timeoutMs: -1 }, /^timeoutMs is not allowed: /],
    [{ ...ASKED, timeoutMs: 600_001 }, /^timeoutMs is not allowed: /],
    [{ ...ASKED, expiresInMs: 59_999 }, /^expiresInMs is not allowed: /],
    [{ ...ASKED, expiresInMs: 31 * 86_400_000 + 1 }, /^expiresInMs is not allowed: /],
    [{ ...ASKED, expiresInMs: '2h' }, /^expiresInMs is not allowed: /],
    [{ ...ASKED, kind: 'host' }, /Unrecognized key/]
  ])('wrong parameters %j are one sentence, and nothing is sent', async (params, sentence) => {
    const calls = goLive(() => SENT)
    const { message } = await refusalOf(executeSend(session, params))
    expect(message).toMatch(sentence)
    expect(message).toMatch(/^[^\n]*\.$/)
    expect(calls).toEqual([])
  })

  it('a refusal is one sentence that names whom the model named', async () => {
    goLive(() => {
      throw new MeshError('unknown_target')
    })
    const { message } = await refusalOf(executeSend(session, ASKED))
    expect(message).toMatch(/^Nobody here is known as "bob"; .*\.$/)
  })

  it('S-21: 300 canary prompts that a peer replies reach the agent in a frame only', async () => {
    let reply = ''
    goLive(() => ({ ...SENT, level: 'answered', reply, ms: 1234.5 }))
    for (const { id, text } of CANARIES) {
      reply = text
      const { content, details } = await executeSend(session, { ...ASKED, waitFor: 'answered' })
      const { head, lines } = framed(content[0]?.text ?? '')
      expectInert(lines)
      expect(head).toEqual([
        `Answered by ${SENT.to.instanceId} by path lan in 1235 ms (message ${SENT.id}).`,
        expect.stringContaining('data from that peer'),
        'Sender: bob (aaaa-bbbb-cccc-dddd-eeee-ffff)'
      ])
      expect(lines.join('\n').split(id).length, text).toBe(text.split(id).length)
      expect(JSON.stringify(details)).not.toContain(id)
      expect(details).toMatchObject({ id: SENT.id, level: 'answered' })
    }
  })

  it('settles as soon as its turn is aborted', async () => {
    goLive(
      ({ signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
    )
    const turn = new AbortController()
    const call = refusalOf(executeSend(session, ASKED, turn.signal))
    turn.abort()
    expect((await call).message).toBe('Interrupted before it was done; what was accepted goes on by itself.')
  })
})

describe('what the model is told', () => {
  const { id } = SENT
  const to = SENT.to.instanceId
  const repeated = ' This call had already been made: nothing was sent twice.'

  it.each([
    [{}, 'delivered', `Delivered to ${to} by path lan in 12 ms (message ${id}).`],
    [{ repeated: true }, 'delivered', `Delivered to ${to} by path lan in 12 ms (message ${id}).${repeated}`],
    [{ level: 'received' }, 'received', `Received by ${to} by path lan in 12 ms (message ${id}).`],
    [
      { level: 'received' },
      'delivered',
      `Received by ${to} by path lan in 12 ms (message ${id}). It is stored there and not taken yet; that goes on by itself, do not send it again.`
    ],
    [
      { level: 'pending', path: null },
      'delivered',
      `Pending: message ${id} to ${to} is stored here and will be delivered when the peer can be reached; waited 12 ms. Do not send it again.`
    ],
    [
      { reason: 'no_reply' },
      'answered',
      `Delivered to ${to} by path lan in 12 ms (message ${id}); its agent gave no answer.`
    ],
    [
      { path: null },
      'answered',
      `Delivered by ${to} (message ${id}), no answer within 12 ms. The answer will come by itself; do not send it again.`
    ],
    [
      { level: 'received' },
      'answered',
      `Received by ${to} by path lan (message ${id}), no answer within 12 ms. The answer will come by itself; do not send it again.`
    ]
  ] as const)('of %j, having asked for %s', (change, waitFor, summary) => {
    expect(sendSummary({ ...SENT, ...change }, waitFor)).toBe(summary)
  })
})
