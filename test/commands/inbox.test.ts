import { describe, expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import { MeshError } from '../../src/control/errors.ts'
import type { Result } from '../../src/control/methods.ts'
import { fakeHost } from './fake-host.ts'
import { sent } from './samples.ts'

const command = commands.find(({ name }) => name === 'inbox')
if (command === undefined) throw new Error('there is no inbox')

const message: Result<'inbound'> = {
  id: sent.id,
  from: sent.to,
  at: '2026-11-21T10:24:31.000Z',
  sentAt: '2026-11-21T10:24:30.000Z',
  state: 'unknown',
  reason: 'unknown_outcome',
  attempts: 2,
  kind: 'message',
  conversation: 'c0'.repeat(16),
  inReplyTo: null,
  text: `first line\nsecond\u001b[2J ${'long '.repeat(60)}`
}
const {
  sentAt: _sentAt,
  reason: _reason,
  attempts: _attempts,
  kind: _kind,
  conversation: _conversation,
  ...listed
} = message

const notices = [
  { id: 3, at: '2026-11-21T10:39:12.000Z', text: 'ana (mfzw-izlb) asks to be let in.', shown: false },
  { id: 5, at: '2026-11-21T11:00:00.000Z', text: `ben (aaaa-bbbb) wrote: ${'word '.repeat(40)}\u001b[2J`, shown: true }
]

describe('inbox', () => {
  it('lists what is unread, oldest first, with nothing that a terminal would obey', async () => {
    const host = fakeHost({ notices: () => notices })
    expect(await runArgv(command, [], host)).toBe(0)
    expect(host.printed.stdout).toMatch(/^3 {2}2026-11-21 10:39 {2}ana \(mfzw-izlb\) asks to be let in\.\n5 {2}2026/)
    expect(host.printed.stdout).toContain('\\u001b[2J')
    expect(host.printed.stdout).toContain('openclaw p2p inbox read')
    expect(host.printed.stdout).toContain('openclaw p2p inbox list')
    expect(host.calls).toEqual([{ method: 'notices', params: {} }])
  })

  it('prints the list as JSON, empty too', async () => {
    const full = fakeHost({ notices: () => notices })
    await runArgv(command, ['--json'], full)
    expect(JSON.parse(full.printed.stdout)).toEqual(notices)
    const empty = fakeHost({ notices: () => [] })
    await runArgv(command, ['--json', '--read'], empty)
    expect(empty.printed.stdout).toBe('[]\n')
    expect(empty.calls).toHaveLength(1)
    const none = fakeHost({ notices: () => [] })
    await runArgv(command, [], none)
    expect(none.printed.stdout).toBe('Nothing new.\nThe messages that came in: openclaw p2p inbox list\n')
  })

  it('--read marks what it has printed, and no more', async () => {
    const host = fakeHost({ notices: () => notices })
    expect(await runArgv(command, ['--read'], host)).toBe(0)
    expect(host.calls.map(({ params }) => params)).toEqual([{}, { readUpTo: 5 }])
    const broken = fakeHost({ notices: () => Promise.reject(new MeshError('engine_down')) })
    expect(await runArgv(command, ['--read'], broken)).toBe(1)
    expect(broken.calls).toHaveLength(1)
  })

  it('--dismiss takes one out and shows the others', async () => {
    const host = fakeHost({ notices: () => notices.slice(1) })
    expect(await runArgv(command, ['--dismiss', '3'], host)).toBe(0)
    expect(host.calls).toEqual([{ method: 'notices', params: { dismiss: 3 } }])
    expect(host.printed.stdout).not.toContain('ana')
  })

  it.each([
    ['--dismiss', 'x'],
    ['--dismiss', '0'],
    ['--dismiss', '-1'],
    ['--dismiss', '1.5'],
    ['--dismiss', ''],
    ['--dismiss'],
    ['--all'],
    ['3']
  ])('refuses %s %s in one sentence, and asks nothing', async (...argv) => {
    const host = fakeHost({ notices: () => notices })
    expect(
      await runArgv(
        command,
        argv.filter(word => word !== undefined),
        host
      )
    ).toBe(2)
    expect(host.printed.stderr).toMatch(/^[^\n]+\n$/)
    expect(host.calls).toEqual([])
  })
})

describe('inbox list and show', () => {
  it('S2.33: lists what came in, and shows one message whole, as text and as JSON', async () => {
    const list = fakeHost({ messages: () => [listed] })
    expect(await runArgv(command, ['list', '--limit', '7'], list)).toBe(0)
    expect(list.calls).toEqual([{ method: 'messages', params: { limit: 7 } }])
    expect(list.printed.stdout).toMatch(
      /^FROM +FINGERPRINT +CAME \(UTC\) +STATE +ID +TEXT\nbob .* 01234567 .*\n\n.*inbox show <id>/
    )
    const listJson = fakeHost({ messages: () => [listed] })
    await runArgv(command, ['list', '--json'], listJson)
    expect(listJson.calls).toEqual([{ method: 'messages', params: { limit: 20 } }])
    expect(JSON.parse(listJson.printed.stdout)).toEqual([listed])

    const one = fakeHost({ inbound: () => message })
    expect(await runArgv(command, ['show', '01234567'.toUpperCase()], one)).toBe(0)
    expect(one.calls).toEqual([{ method: 'inbound', params: { id: '01234567' } }])
    for (const part of [sent.id, sent.to.instanceId, 'unknown (unknown_outcome)', '\n\nfirst line\nsecond\\u001b[2J'])
      expect(one.printed.stdout).toContain(part)
    expect(one.printed.stdout).toContain(`\nfrom          bob, ${sent.to.instanceId}\n`)
    // A peer that goes by its own label is named once, and what its text lays out by tabs stays legible.
    const label = sent.to.instanceId.slice(0, sent.to.instanceId.indexOf('@'))
    const plain = fakeHost({
      inbound: () => ({ ...message, from: { ...message.from, name: label }, text: 'a\tb\r\nc' })
    })
    await runArgv(command, ['show', sent.id], plain)
    expect(plain.printed.stdout).toContain(`\nfrom          ${sent.to.instanceId}\n`)
    expect(plain.printed.stdout).toMatch(/\n\na {4}b\nc\n$/)
    // Nothing of the text is cut off.
    expect(one.printed.stdout.match(/long /g)).toHaveLength(60)
    const json = fakeHost({ inbound: () => message })
    await runArgv(command, ['show', sent.id, '--json'], json)
    expect(JSON.parse(json.printed.stdout)).toEqual(message)
    const none = fakeHost({ messages: () => [] })
    await runArgv(command, ['list'], none)
    expect(none.printed.stdout).toBe('No messages.\n')
  })

  it('shows a notice by its number, read or dismissed nothing', async () => {
    const host = fakeHost({ notices: () => notices })
    expect(await runArgv(command, ['show', '5', '--json'], host)).toBe(0)
    expect(JSON.parse(host.printed.stdout)).toEqual(notices[1])
    expect(host.calls).toEqual([{ method: 'notices', params: {} }])
  })

  it('read marks what it has printed: all, or one', async () => {
    const all = fakeHost({ notices: () => notices })
    expect(await runArgv(command, ['read'], all)).toBe(0)
    expect(all.calls.map(({ params }) => params)).toEqual([{}, { readUpTo: 5 }])
    const one = fakeHost({ notices: () => notices })
    expect(await runArgv(command, ['read', '3', '--json'], one)).toBe(0)
    expect(one.calls.map(({ params }) => params)).toEqual([{}, { dismiss: 3 }])
    expect(JSON.parse(one.printed.stdout)).toEqual([notices[0]])
    const none = fakeHost({ notices: () => [] })
    expect(await runArgv(command, ['read'], none)).toBe(0)
    expect([none.printed.stdout, none.calls.length]).toEqual(['Nothing new.\n', 1])
  })

  it.each([
    [['show', 'deadbeef'], /^No message deadbeef came in, or it was forgotten; see openclaw p2p inbox list\.\n$/],
    [['show', '4'], /^No unread notice has the number 4; see openclaw p2p inbox\.\n$/],
    [['read', '4'], /^No unread notice has the number 4; see openclaw p2p inbox\.\n$/]
  ])('an id that is not there (%j) is one sentence and exit code 2, and changes nothing', async (argv, sentence) => {
    const host = fakeHost({
      notices: () => notices,
      inbound: () => Promise.reject(new MeshError('not_found', { detail: 'deadbeef' }))
    })
    expect(await runArgv(command, argv, host)).toBe(2)
    expect(host.printed.stderr).toMatch(sentence)
    expect(host.printed.stdout).toBe('')
    for (const { params } of host.calls) expect(params).not.toMatchObject({ dismiss: expect.anything() })
    expect(host.calls.length).toBeLessThanOrEqual(1)
  })
})
