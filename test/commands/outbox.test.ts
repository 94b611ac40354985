import { expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import { messageSchema, outboxSchema } from '../../src/control/message-methods.ts'
import type { Result } from '../../src/control/methods.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import { type Answers, fakeHost } from './fake-host.ts'
import { BOB, sent } from './samples.ts'

const ID = 'ab'.repeat(16)
const NEW = 'cd'.repeat(16)

const entry: Result<'outbox'>['waiting'][number] = {
  id: ID,
  to: sent.to,
  state: 'queued',
  reason: null,
  createdAt: '2026-11-21T10:00:00.000Z',
  expiresAt: '2026-11-28T10:00:00.000Z',
  deadLetter: false
}

const message: Result<'message'> = {
  ...entry,
  reply: null,
  text: 'Is the build green?',
  conversation: 'c0'.repeat(16),
  inReplyTo: null,
  attempts: 3,
  nextTryAt: '2026-11-21T10:20:00.000Z',
  sentAt: null
}

async function run(words: string[], answers: Answers = {}) {
  const command = commands.find(({ name }) => name === 'outbox') ?? expect.fail('no command outbox')
  const host = fakeHost(answers)
  const code = await runArgv(command, words, host)
  return { code, ...host.printed, calls: host.calls }
}

const dead = { ...entry, id: NEW, state: 'expired', deadLetter: true } as const

it('lists what waits and what did not arrive, and how many there are of each', async () => {
  const listed = { waiting: [entry], deadLetters: [dead], counts: { waiting: 7, deadLetters: 1 } }
  const { code, stdout, calls } = await run([], { outbox: () => listed })
  expect({ code, calls }).toEqual({ code: 0, calls: [{ method: 'outbox', params: { limit: 50 } }] })
  expect(stdout.split('\n')).toEqual([
    'Waiting: 1 of 7.',
    'TO   ID                                STATE   SENT              EXPIRES',
    `bob  ${ID}  queued  2026-11-21 10:00  2026-11-28 10:00`,
    '',
    'Did not arrive: 1.',
    'TO   ID                                STATE    SENT              EXPIRES',
    `bob  ${NEW}  expired  2026-11-21 10:00  2026-11-28 10:00`,
    '',
    'Times are UTC. See openclaw p2p outbox show|retry|cancel|dismiss <id>',
    ''
  ])
  const json = await run(['list', '--limit', '3', '--json'], { outbox: () => listed })
  expect(outboxSchema.parse(JSON.parse(json.stdout))).toEqual(listed)
  expect(json.calls[0]?.params).toEqual({ limit: 3 })
  const empty = { waiting: [], deadLetters: [], counts: { waiting: 0, deadLetters: 0 } }
  expect((await run(['list'], { outbox: () => empty })).stdout).toBe('Nothing waits, and nothing failed.\n')
})

it('shows one message: its state and why, its times, its tries, its text and its answer', async () => {
  const { code, stdout } = await run(['show', ID.toUpperCase()], { message: () => message })
  expect(code).toBe(0)
  expect(stdout).toBe(
    [
      `id        ${ID}`,
      `to        bob, ${BOB}`,
      'state     queued',
      'written   2026-11-21 10:00:00 UTC',
      'expires   2026-11-28 10:00:00 UTC',
      'next try  2026-11-21 10:20:00 UTC',
      'tries     3 in vain',
      '',
      'Text:',
      '  Is the build green?',
      ''
    ].join('\n')
  )
  const refused = {
    ...message,
    state: 'rejected',
    reason: 'blocked',
    deadLetter: true,
    attempts: null,
    nextTryAt: null
  } as const
  const { stdout: lines } = await run(['show', ID], { message: () => refused })
  expect(lines).toContain('state    rejected, a dead letter\n')
  expect(lines.replaceAll(/\s+/g, ' ')).toContain(`why ${BOB} has blocked this instance; only its owner can lift that.`)
  const answered = { ...message, state: 'answered', reply: 'yes\n\u001b[2Jor no' } as const
  expect((await run(['show', ID], { message: () => answered })).stdout).toContain(
    '\nAnswer of the peer:\n  yes\n  \\u001b[2Jor no\n'
  )
  const json = await run(['show', ID, '--json'], { message: () => answered })
  expect(messageSchema.parse(JSON.parse(json.stdout))).toEqual(answered)
})

it('says what a retry does: the same message at once, or a new one', async () => {
  const waiting = { id: ID, retriedAs: null, to: sent.to, connected: false }
  const first = await run(['retry', ID], { retryMessage: () => waiting })
  expect(first).toMatchObject({ code: 0, stdout: `Tried again: ${BOB} is being dialled.\n` })
  expect(first.stderr).toBe(`What becomes of it: openclaw p2p outbox show ${ID}\n`)
  const again = await run(['retry', ID], { retryMessage: () => ({ ...waiting, retriedAs: NEW }) })
  expect(again.stdout).toContain(`Sent again as message ${NEW}; the old one is dismissed.`)
  expect(again.stderr).toContain(NEW)
  const json = await run(['retry', ID, '--json'], { retryMessage: () => ({ ...waiting, retriedAs: NEW }) })
  expect(JSON.parse(json.stdout)).toEqual({ ...waiting, retriedAs: NEW })
})

it('cancels and dismisses, and says what is left', async () => {
  const cancelled = await run(['cancel', ID], { cancelMessage: () => ({ id: ID, sent: true }) })
  expect(cancelled).toMatchObject({ code: 0, stdout: `Message ${ID} is cancelled.\n` })
  expect(cancelled.stderr).toContain('the peer may have it all the same')
  expect((await run(['cancel', ID], { cancelMessage: () => ({ id: ID, sent: false }) })).stderr).toBe('')
  const dismissed = await run(['dismiss', ID], { dismissMessage: () => ({ id: ID, deadLetters: 1 }) })
  expect(dismissed).toMatchObject({ code: 0, stdout: `Message ${ID} is dismissed; 1 dead letter is left.\n` })
})

it.each([
  ['show', 'message', new MeshError('not_found', { id: ID })],
  ['retry', 'retryMessage', new MeshError('not_found', { id: ID })],
  [
    'cancel',
    'cancelMessage',
    new MeshError('wrong_state', { id: ID, detail: 'is delivered and cannot be taken back' })
  ],
  ['dismiss', 'dismissMessage', new MeshError('wrong_state', { id: ID, detail: 'is queued and is no dead letter' })]
] as const)('an id with which %s can do nothing is one sentence and exit code 2', async (action, method, error) => {
  const refuse = (): never => {
    throw error
  }
  const { code, stdout, stderr } = await run([action, ID], { [method]: refuse })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^(There is no message|The message is) [^\n]+\.\n$/)
})
