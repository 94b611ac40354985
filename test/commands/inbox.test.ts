import { describe, expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import { MeshError } from '../../src/control/errors.ts'
import { fakeHost } from './fake-host.ts'

const command = commands.find(({ name }) => name === 'inbox')
if (command === undefined) throw new Error('there is no inbox')

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
    expect(host.printed.stdout).toContain('openclaw p2p inbox --read')
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
    expect(none.printed.stdout).toBe('Nothing new.\n')
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
