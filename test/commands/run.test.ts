import { describe, expect, it } from 'vitest'
import { type Command, commands, runArgv, runCommand } from '../../src/commands/index.ts'
import { MeshError } from '../../src/control/errors.ts'
import { peerSchema, sendResultSchema, statusSchema } from '../../src/control/methods.ts'
import { type Answers, fakeHost } from './fake-host.ts'
import { BOB, peer, report, sent, trusted } from './samples.ts'

async function run(line: string[], answers: Answers = {}, init: { input?: string; program?: string } = {}) {
  const [name, ...argv] = line
  const host = fakeHost(answers, init)
  const code = await runArgv(commandOf(name), argv, host)
  return { code, ...host.printed, calls: host.calls, closed: host.closed }
}

function commandOf(name: string | undefined): Command {
  return commands.find(command => command.name === name) ?? expect.fail(`no command ${name}`)
}

describe('send', () => {
  it('asks for the level and prints the documented keys first', async () => {
    const { code, stdout, stderr, calls, closed } = await run(
      ['send', 'bob', 'hi', '--wait', 'received', '--timeout', '5', '--json'],
      {
        send: () => sent
      }
    )
    expect(code).toBe(0)
    expect(calls).toEqual([
      { method: 'send', params: { target: 'bob', text: 'hi', waitFor: 'received', timeoutMs: 5 } }
    ])
    expect(Object.keys(JSON.parse(stdout)).slice(0, 5)).toEqual(['id', 'level', 'path', 'ms', 'reply'])
    expect(sendResultSchema.parse(JSON.parse(stdout))).toEqual(sent)
    expect(stdout.endsWith('}\n')).toBe(true)
    expect(stderr).toBe('')
    expect(closed).toBe(1)
  })

  it.each([
    ['1m', 60_000],
    ['2h', 7_200_000],
    ['31d', 2_678_400_000]
  ])('passes on that it may wait %s', async (expires, expiresInMs) => {
    const { code, calls } = await run(['send', 'bob', 'hi', '--expires', expires], { send: () => sent })
    expect(code).toBe(0)
    expect(calls[0]?.params).toMatchObject({ expiresInMs })
  })

  it.each(['', '59s', '32d', '745h', 'soon', '-2h', '2'])('"%s" is no time that it may wait', async expires => {
    const { code, stderr, calls } = await run(['send', 'bob', 'hi', `--expires=${expires}`])
    expect({ code, calls }).toEqual({ code: 2, calls: [] })
    expect(stderr).toMatch(/^--expires is ".*": expected a time from 1m to 31d, such as 15m\.\n$/)
  })

  it('prints text for people, the reply last', async () => {
    const { code, stdout } = await run(['send', 'bob', 'hi', '--wait', 'answered'], {
      send: () => ({ ...sent, level: 'answered', reply: 'one\n\ttwo' })
    })
    expect(code).toBe(0)
    expect(stdout).toBe(`answered in 12 ms, path lan\nto  bob, ${BOB}\nid  ${sent.id}\n\none\n    two\n`)
  })

  it('reads the text from standard input without the break at its end', async () => {
    const { calls } = await run(['send', 'bob', '-'], { send: () => sent }, { input: 'grüße\n你好\n' })
    expect(calls[0]?.params).toMatchObject({ text: 'grüße\n你好' })
  })

  it('refuses input that is empty, too long or not UTF-8 as wrong use, and sends nothing', async () => {
    for (const [input, sentence] of [
      ['\n', 'The text on standard input is empty.'],
      [
        'x'.repeat(32 * 1024 + 1),
        'The text on standard input is longer than 32768 bytes; shorten it or send it in parts.'
      ]
    ] as const) {
      const { code, stderr, calls } = await run(['send', 'bob', '-'], {}, { input })
      expect({ code, stderr, calls }).toEqual({ code: 2, stderr: `${sentence}\n`, calls: [] })
    }
    const host = fakeHost()
    const broken = {
      ...host,
      input: (async function* () {
        yield Uint8Array.of(0xff)
      })()
    }
    expect(await runArgv(commandOf('send'), ['bob', '-'], broken)).toBe(2)
    expect(host.printed.stderr).toBe('The text on standard input is not valid UTF-8.\n')
  })

  it('ends with 3 while the level may still come', async () => {
    const pending = await run(['send', 'bob', 'hi'], { send: () => ({ ...sent, level: 'pending', path: null }) })
    expect(pending.code).toBe(3)
    expect(pending.stdout).toBe(`pending after 12 ms\nto  bob, ${BOB}\nid  ${sent.id}\n`)
    expect(pending.stderr).toContain('goes on by itself')
    const lower = await run(['send', 'bob', 'hi', '--wait', 'answered'], { send: () => sent })
    expect(lower.code).toBe(3)
  })

  it('ends with 1 when what was waited for will never come', async () => {
    const { code, stdout, stderr } = await run(['send', 'bob', 'hi', '--wait', 'answered', '--json'], {
      send: () => ({ ...sent, reason: 'no_reply' })
    })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ level: 'delivered', reply: null })
    expect(stderr).toBe(`${BOB} took the message and gives no reply; send another one if you need an answer.\n`)
  })

  it('ends with 0 when a reason stands beside the level that was waited for', async () => {
    const { code, stderr } = await run(['send', 'bob', 'hi'], { send: () => ({ ...sent, reason: 'no_reply' }) })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})

describe('errors', () => {
  const refuse = (error: Error): Answers => ({
    send: () => {
      throw error
    },
    status: () => report
  })

  it('are one sentence on stderr and nothing on stdout, with --json too', async () => {
    for (const json of [[], ['--json']]) {
      const result = await run(['send', 'bob', 'hi', ...json], refuse(new MeshError('unknown_target', { peer: 'bob' })))
      expect(result).toMatchObject({
        code: 1,
        stdout: '',
        stderr: 'Nobody here is known as "bob"; see openclaw p2p peers, or name the full instance id.\n',
        closed: 1
      })
    }
  })

  it('name our own instance id where the peer has to approve it', async () => {
    const error = new MeshError('refused_by_peer', { peer: BOB, reason: 'not_admitted' })
    const { stderr } = await run(['send', 'bob', 'hi'], refuse(error))
    expect(stderr).toBe(
      `${BOB} has not admitted this instance yet; ask its owner to let it in there, with the command: approve ${report.instanceId}\n`
    )
  })

  it('S2.29: tell who asked to be let in that the owner said no', async () => {
    const error = new MeshError('refused_by_peer', { peer: BOB, reason: 'not_admitted' })
    const request = async () => {
      throw error
    }
    const { code, stderr } = await run(['request', BOB], { request })
    expect(code).toBe(1)
    expect(stderr).toMatch(/ has not admitted this instance: its owner said no, /)
    expect(stderr).not.toMatch(/yet|approve/)
  })

  it('point to status when our own id cannot be had', async () => {
    const error = new MeshError('refused_by_peer', { peer: BOB, reason: 'not_admitted' })
    const { stderr } = await run(['send', 'bob', 'hi'], { send: refuse(error).send })
    expect(stderr).toBe(
      `${BOB} has not admitted this instance yet; ask its owner to approve the instance id that openclaw p2p status shows.\n`
    )
  })

  it('are wrong use where the request itself is wrong', async () => {
    const { code } = await run(
      ['send', 'bob', 'hi'],
      refuse(new MeshError('bad_request', { detail: 'target: too long' }))
    )
    expect(code).toBe(2)
  })

  it('of the arguments are found before anybody is asked', async () => {
    const host = fakeHost()
    const unreachable = { ...host, connect: () => Promise.reject(new Error('asked')) }
    expect(await runArgv(commandOf('send'), ['bob'], unreachable)).toBe(2)
    expect(await runCommand(commandOf('send'), { args: [], options: {} }, unreachable)).toBe(2)
    expect(host.printed.stderr.match(/needs <target>/g)).toHaveLength(1)
  })

  it('of a mesh that is not there say how to start it', async () => {
    const host = fakeHost({}, { program: 'libp2p-mesh --state ./alice' })
    const down = { ...host, connect: () => Promise.reject(new MeshError('not_running', { detail: './alice' })) }
    expect(await runArgv(commandOf('status'), [], down)).toBe(1)
    expect(host.printed.stderr).toBe('No mesh is running in ./alice; start it: libp2p-mesh --state ./alice node.\n')
  })
})

describe('the other commands', () => {
  it('status prints the whole report', async () => {
    const { code, stdout } = await run(['status', '--json'], { status: () => report })
    expect(code).toBe(0)
    expect(statusSchema.parse(JSON.parse(stdout))).toEqual(report)
    const { stdout: text } = await run(['status'], { status: () => report })
    expect(text).toContain(`instance   ${BOB}\n`)
    expect(text).toContain('inbox      0 open, 1 of unknown outcome\n')
    expect(text).toContain('reachable  private (Two others could not dial this instance)\n')
    expect(text).toContain(
      'relay      …uKSCnRxR reserved 12 min 34 ms\n           …ZnnsTzqD trying: It cannot be reached.\n'
    )
    expect(text).not.toContain('carries')
    expect(text).toContain('issue      Port 4001 is taken.\n')
  })

  it('status prints what this instance carries for others', async () => {
    const relay = {
      reservations: { used: 2, max: 16 },
      circuits: 1,
      today: {
        bytes: 5_000_000,
        peers: [4_000_000, 900_000, 90_000, 9_900, 100].map(bytes => ({
          peer: peer.peerId ?? '',
          bytes,
          maxBytes: 2 ** 27
        }))
      },
      refused: { reservations: 1, circuits: 0 }
    }
    const { stdout } = await run(['status'], { status: () => ({ ...report, relay }) })
    const lines = stdout.split('\n')
    const at = lines.indexOf('carries    2 of 16 reservations, 1 circuit')
    expect(lines.slice(at + 1, at + 4)).toEqual([
      '           4.8 MiB today: …uKSCnRxR 3.8 MiB of 128.0 MiB, …uKSCnRxR 878.9 KiB of 128.0 MiB,',
      '           …uKSCnRxR 87.9 KiB of 128.0 MiB and 2 more',
      '           refused since the start: 1 reservation, 0 circuits'
    ])
  })

  it('peers prints the list', async () => {
    const { stdout } = await run(['peers', '--json'], { peers: () => [peer] })
    expect(peerSchema.array().parse(JSON.parse(stdout))).toEqual([peer])
    const { stdout: text } = await run(['peers'], {
      peers: () => [peer, { ...peer, path: null, rttMs: null, lastSeenAt: null }]
    })
    expect(text.split('\n')).toEqual([
      'NAME  FINGERPRINT                    TRUST   PATH     RTT   QUEUED  LAST SEEN (UTC)',
      'bob   mfzw-izlb-onsw-i2lo-m5zg-k4tf  paired  direct   4 ms  2       2026-11-21 10:24',
      'bob   mfzw-izlb-onsw-i2lo-m5zg-k4tf  paired  offline  -     2       never',
      ''
    ])
  })

  it('peers says how to admit the first one', async () => {
    const { stdout } = await run(['peers'], { peers: () => [] })
    expect(stdout).toBe('No peers yet; to admit one, run: openclaw p2p approve <instance id or peer id>\n')
  })

  it('broadcast counts the members, and says when there is none', async () => {
    const result = { id: sent.id, topic: 'openclaw-mesh', recipients: 0, ms: 1 }
    const { code, stdout, stderr, calls } = await run(['broadcast', 'hi', '--json'], { broadcast: () => result })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(result)
    expect(stderr).toContain('Nobody in openclaw-mesh is connected now')
    expect(calls[0]?.params).toEqual({ text: 'hi' })
    const { stdout: text } = await run(['broadcast', 'hi', '--topic', 'ops'], {
      broadcast: () => ({ ...result, topic: 'ops', recipients: 1 })
    })
    expect(text).toBe(`to  1 direct member of ops\nid  ${sent.id}\n`)
  })

  it('approve and trust say what it was before', async () => {
    const approved = await run(['approve', BOB, '--name', 'bob'], { approve: () => trusted })
    expect(approved.code).toBe(0)
    expect(approved.calls[0]?.params).toEqual({ who: BOB, name: 'bob' })
    expect(approved.stdout).toContain('trust     paired, was unknown\n')
    expect(approved.stderr).toContain('approve this instance too')
    const blocked = await run(['trust', 'bob', 'blocked', '--json'], {
      trust: () => ({ ...trusted, trust: 'blocked', before: 'blocked' })
    })
    expect(blocked.calls[0]?.params).toEqual({ who: 'bob', level: 'blocked' })
    expect(JSON.parse(blocked.stdout)).toMatchObject({ trust: 'blocked', before: 'blocked' })
    expect(blocked.stderr).toBe('')
  })
})
