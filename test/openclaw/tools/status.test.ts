import { describe, expect, it } from 'vitest'
import { MeshError } from '../../../src/control/errors.ts'
import type { Result } from '../../../src/control/methods.ts'
import { executeStatus } from '../../../src/openclaw/tools/status.ts'
import { CANARIES } from '../../fixtures/canaries.ts'
import { expectInert, framed } from '../framed.ts'
import { goLive, refusalOf, SENT } from '../live.ts'

const { id } = SENT
const to = SENT.to.instanceId
const session = { sessionKey: 'agent:main:main' }

const MESSAGE: Result<'message'> = {
  id,
  to: SENT.to,
  state: 'queued',
  reason: null,
  createdAt: '2026-11-21T10:00:00.000Z',
  expiresAt: '2026-11-28T10:00:00.000Z',
  deadLetter: false,
  reply: null,
  text: 'the secret plan',
  conversation: 'c0'.repeat(16),
  inReplyTo: null,
  attempts: 2,
  nextTryAt: null,
  sentAt: null
}

const GOES_ON = 'That goes on by itself until 2026-11-28T10:00:00.000Z; do not send it again.'

describe('p2p_message_status', () => {
  it('asks for what its own session sent, and for nothing else', async () => {
    const calls = goLive(() => MESSAGE)
    const { signal } = new AbortController()
    await executeStatus(session, { id }, signal)
    await executeStatus({}, { id })
    expect(calls).toEqual([
      { method: 'message', params: { id, session: 'agent:main:main' }, signal },
      { method: 'message', params: { id, session: '' }, signal: undefined }
    ])
  })

  it.each([
    [{}, 'pending', `is pending: it is stored here and has not reached the peer. ${GOES_ON}`],
    [{ state: 'received' }, 'received', `is received: it is stored there and not taken yet. ${GOES_ON}`],
    [{ state: 'delivered' }, 'delivered', 'is delivered, and not answered so far.'],
    [
      { state: 'delivered', reason: 'no_reply' },
      'delivered',
      `is delivered. ${to} took the message and gives no reply; send another one if you need an answer.`
    ],
    [{ state: 'answered' }, 'answered', 'is answered; the text of the answer is not here yet.'],
    [
      { state: 'rejected', reason: 'blocked' },
      null,
      `is rejected. ${to} has blocked this instance; only its owner can lift that.`
    ],
    [
      { state: 'rejected', reason: 'of_a_later_release' },
      null,
      `is rejected. ${to} refused without a reason; ask its owner.`
    ],
    [{ state: 'expired' }, null, 'is expired: it ran out of time before it was delivered, and is not sent any more.'],
    [{ state: 'cancelled' }, null, 'is cancelled: the owner took it back.']
  ] as const)('says of %j the level %s and what it means', async (change, level, words) => {
    goLive(() => ({ ...MESSAGE, ...change }))
    const { content, details } = await executeStatus(session, { id })
    expect(content).toEqual([{ type: 'text', text: `Message ${id} to ${to} ${words}` }])
    const { state, reason, createdAt, expiresAt } = { ...MESSAGE, ...change }
    expect(details).toEqual({ id, state, level, reason, to: SENT.to, createdAt, expiresAt })
  })

  it('S-21: 300 canary prompts that a peer answered reach the agent in a frame only', async () => {
    let reply = ''
    goLive(() => ({ ...MESSAGE, state: 'answered', reply }))
    for (const canary of CANARIES) {
      reply = canary.text
      const { content, details } = await executeStatus(session, { id })
      const { head, lines } = framed(content[0]?.text ?? '')
      expectInert(lines)
      expect(head).toEqual([
        `Message ${id} to ${to} is answered.`,
        expect.stringContaining('data from that peer'),
        'Sender: bob (aaaa-bbbb-cccc-dddd-eeee-ffff)'
      ])
      expect(JSON.stringify(details)).not.toContain(canary.id)
    }
  })

  it.each([undefined, 'x', {}, { id: 'ab' }, { id: 7 }, { id, session: 'other' }])(
    'wrong parameters %j are one sentence, and nobody is asked',
    async params => {
      const calls = goLive(() => MESSAGE)
      expect((await refusalOf(executeStatus(session, params))).message).toMatch(/^[^\n]*\.$/)
      expect(calls).toEqual([])
    }
  )

  it('an id of another session is one sentence', async () => {
    goLive(() => {
      throw new MeshError('not_found', { id })
    })
    expect((await refusalOf(executeStatus(session, { id }))).message).toMatch(/^There is no message with that id here/)
  })
})
