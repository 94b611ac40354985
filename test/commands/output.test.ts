import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import { jsonLine } from '../../src/commands/output.ts'
import { fields, fit, LINE_MAX_COLUMNS, table, widthOf } from '../../src/commands/table.ts'
import { type Answers, fakeHost } from './fake-host.ts'
import { asking, BOB, checked, message, peer, pinged, report, sent, trusted } from './samples.ts'

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
            reachabilityReason: text,
            relays: [{ peer: text, address: text, state: 'trying', problem: text }],
            relay: {
              reservations: { used: 1, max: 2 },
              circuits: 3,
              today: { bytes: 2 ** 40, peers: Array(9).fill({ peer: text, bytes: 4_096, maxBytes: 5_000 }) },
              refused: { reservations: 0, circuits: 1 }
            },
            addresses: [
              `/dns/${text}/tcp/1`,
              `/ip6/2001:db8:85a3:8d3:1319:8a2e:370:7348/tcp/41234/p2p/${report.peerId}`
            ]
          }),
          ping: () => ({ ...pinged, name: text.slice(0, 32) }),
          netcheck: () => ({
            ...checked,
            listeners: [text],
            interfaces: [{ name: text, address: text, kind: 'inner' }],
            multicast: { state: 'silent', detail: text },
            upnp: { state: 'mapped', addresses: [text], detail: text },
            addresses: [{ address: text, verdict: 'unknown' }],
            natMapping: { kind: 'unknown', seen: [text] },
            advice: text
          }),
          nearby: () => [{ ...peer, name: text }],
          requests: () => [{ ...asking, name: text, purpose: text }],
          messages: () => [{ ...message, from: { ...message.from, name: text }, text }],
          peers: () => [{ ...peer, name: text, rttMs: 12345, path: 'relayed', trust: 'blocked', queued: 123_456 }],
          send: () => ({ ...sent, to, level: 'answered', reply: text }),
          broadcast: () => ({ id: sent.id, topic: text.slice(0, 64), recipients: 5, ms: 1 }),
          approve: () => ({ ...trusted, instanceId: BOB })
        })
        for (const line of [
          ['status'],
          ['netcheck'],
          ['ping', 'bob', '--count', '1'],
          ['peers'],
          ['nearby'],
          ['requests'],
          ['messages'],
          ['send', 'bob', 'hi'],
          ['broadcast', 'hi'],
          ['approve', 'bob']
        ]) {
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

  it('lets other columns give way instead, in their order', () => {
    const rows = [['a'.repeat(60), 'b'.repeat(60)]]
    const [, second = ''] = table(['A', 'B'], rows, { yields: [1] })
    expect(second).toBe(`${'a'.repeat(60)}  ${'b'.repeat(37)}…`)
    const [, both = ''] = table(['A', 'B'], [['a'.repeat(90), 'b'.repeat(60)]], { yields: [1, 0] })
    expect(both).toBe(`${'a'.repeat(77)}…  ${'b'.repeat(19)}…`)
    expect(table(['A', 'B'], [['a', 'b']], { yields: [1, 0] })).toEqual(['A  B', 'a  b'])
  })

  it('breaks long addresses at a slash and goes on aligned', () => {
    const address = `/ip6/2001:db8:85a3:8d3:1319:8a2e:370:7348/tcp/41234/p2p/${report.peerId}`
    expect(fields([['address', address]])).toEqual([
      'address  /ip6/2001:db8:85a3:8d3:1319:8a2e:370:7348/tcp/41234/p2p',
      `         /${report.peerId}`
    ])
  })
})

describe('who asks and who wrote', () => {
  const LONG = 'a purpose that goes on and on, '.repeat(6)
  /** The longest name, of characters that take two columns, with the mark of one that looks like another. */
  const WIDE = `${'你'.repeat(32)} (mfzw-izlb)`
  const EVA = 'two words@aaaa-bbbb-cccc-dddd-eeee-ffff'

  async function printed(name: string, answers: Answers): Promise<string[]> {
    const host = fakeHost(answers, { program: 'libp2p-mesh --state ./alice' })
    expect(await runArgv(commands.find(command => command.name === name) ?? expect.fail(), [], host)).toBe(0)
    const lines = host.printed.stdout.split('\n')
    for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(LINE_MAX_COLUMNS)
    return lines
  }

  it('S-28: requests shows the name and the whole fingerprint, however long the purpose and the name are', async () => {
    const [, long = '', wide = ''] = await printed('requests', {
      requests: () => [
        { ...asking, purpose: LONG },
        { ...asking, name: 'x'.repeat(32), instanceId: EVA, purpose: LONG }
      ]
    })
    expect(long).toMatch(/^asks {2}bob {18,}mfzw-izlb-onsw-i2lo-m5zg-k4tf {2}2026-11-21 10:24 {2}a purpose that goes…$/)
    expect(wide).toMatch(/^asks {2}x{22}… {2}aaaa-bbbb-cccc-dddd-eeee-ffff {2}/)
    const [, row = ''] = await printed('requests', { requests: () => [{ ...asking, name: WIDE, purpose: LONG }] })
    expect(row).toMatch(/^asks {2}你+… +mfzw-izlb-onsw-i2lo-m5zg-k4tf {2}2026-11-21 10:24 {2}a purpose/)
  })

  it('requests gives the line of each decision as a shell takes it, and none where there is nothing to decide', async () => {
    const one = await printed('requests', { requests: () => [{ ...asking, instanceId: EVA }] })
    expect(one.slice(-4)).toEqual([
      'Compare the fingerprint with what the other screen shows, then run one of:',
      '  libp2p-mesh --state ./alice approve aaaa-bbbb-cccc-dddd-eeee-ffff',
      '  libp2p-mesh --state ./alice reject aaaa-bbbb-cccc-dddd-eeee-ffff',
      ''
    ])
    const two = await printed('requests', { requests: () => [asking, { ...asking, instanceId: EVA }] })
    expect(two).toContain('  libp2p-mesh --state ./alice approve <fingerprint>')
    const none = await printed('requests', { requests: () => [{ ...asking, direction: 'outgoing' }] })
    expect(none).toHaveLength(3)
  })

  it('nearby names whom to ask as a shell takes it', async () => {
    const [, row, , advice] = await printed('nearby', { nearby: () => [{ ...peer, name: WIDE, instanceId: EVA }] })
    expect(row).toMatch(/^你+… +aaaa-bbbb-cccc-dddd-eeee-ffff {2}direct/)
    expect(advice).toBe('To ask one to be let in: libp2p-mesh --state ./alice request aaaa-bbbb-cccc-dddd-eeee-ffff')
  })

  it('S-28: messages keeps the mark of a name that looks like another, and its fingerprint, beside a long text', async () => {
    const from = { ...message.from, name: 'scope (mfzw-izlb)' }
    const [, marked] = await printed('messages', { messages: () => [{ ...message, from, text: LONG }] })
    expect(marked).toMatch(
      /^scope \(mfzw-izlb\) {2}mfzw-izlb-onsw-i2lo-m5zg-k4tf {2}2026-11-21 10:24 {2}done {3}01234567 {2}a purp.*…$/
    )
    const [, wide] = await printed('messages', {
      messages: () => [{ ...message, from: { ...from, name: WIDE }, state: 'dispatching', text: LONG }]
    })
    expect(wide).toMatch(/^你+… +mfzw-izlb-onsw-i2lo-m5zg-k4tf {2}/)
  })
})
