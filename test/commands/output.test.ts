import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import { jsonLine } from '../../src/commands/output.ts'
import { fields, fit, LINE_MAX_COLUMNS, table, widthOf } from '../../src/commands/table.ts'
import { fakeHost } from './fake-host.ts'
import { BOB, peer, report, sent, trusted } from './samples.ts'

/** Everything that a terminal may obey, besides the line break. */
const UNPRINTABLE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u
const HOSTILE = '\u001b]52;c;AAAA\u0007\u009b2J\u202egnp.exe\u2028\ud800\u{e0041}\r\n\t'
const hostile = fc.string({ unit: fc.constantFrom(...HOSTILE, '你', '👍', 'e\u0301', 'a', ' '), maxLength: 200 })

describe('jsonLine', () => {
  it('S-17: is one printable line that means the same', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), text => {
        const line = jsonLine({ text })
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
        expect(JSON.parse(line)).toEqual({ text })
      }),
      { numRuns: 5000 }
    )
  })
})

describe('text', () => {
  it('S-17: of every command stays printable and within 100 columns, whatever peers call themselves', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async text => {
        const to = { ...sent.to, name: text.slice(0, 32) }
        const host = fakeHost({
          status: () => ({
            ...report,
            issues: [text],
            addresses: [
              `/dns/${text}/tcp/1`,
              `/ip6/2001:db8:85a3:8d3:1319:8a2e:370:7348/tcp/41234/p2p/${report.peerId}`
            ]
          }),
          peers: () => [{ ...peer, name: text, rttMs: 12345, path: 'relayed', trust: 'blocked', queued: 123_456 }],
          send: () => ({ ...sent, to, level: 'answered', reply: text }),
          broadcast: () => ({ id: sent.id, topic: text.slice(0, 64), recipients: 5, ms: 1 }),
          approve: () => ({ ...trusted, instanceId: BOB })
        })
        for (const line of [['status'], ['peers'], ['send', 'bob', 'hi'], ['broadcast', 'hi'], ['approve', 'bob']]) {
          const [name, ...argv] = line
          const command = commands.find(candidate => candidate.name === name) ?? expect.fail()
          expect(await runArgv(command, argv, host)).toBe(0)
        }
        expect(host.printed.stdout).not.toMatch(UNPRINTABLE)
        const [tables = ''] = host.printed.stdout.split('\n\n')
        for (const line of tables.split('\n')) expect(widthOf(line), line).toBeLessThanOrEqual(LINE_MAX_COLUMNS)
      }),
      { numRuns: 300 }
    )
  })

  it('measures wide characters as two columns and marks as none', () => {
    expect(widthOf('你好 e\u0301 👍')).toBe(9)
    expect(fit('你好你好', 6)).toBe('你好…')
  })

  it('aligns columns and gives way in the first', () => {
    expect(
      table(
        ['A', 'B'],
        [
          ['你', 'x'],
          ['abc', 'y']
        ]
      )
    ).toEqual(['A    B', '你   x', 'abc  y'])
    const [, line = ''] = table(['A', 'B'], [['a'.repeat(200), 'b'.repeat(29)]])
    expect(widthOf(line)).toBe(LINE_MAX_COLUMNS)
    expect(line).toMatch(/^a+… {2}b{29}$/)
  })

  it('breaks long addresses at a slash and goes on aligned', () => {
    const address = `/ip6/2001:db8:85a3:8d3:1319:8a2e:370:7348/tcp/41234/p2p/${report.peerId}`
    expect(fields([['address', address]])).toEqual([
      'address  /ip6/2001:db8:85a3:8d3:1319:8a2e:370:7348/tcp/41234/p2p',
      `         /${report.peerId}`
    ])
  })
})
