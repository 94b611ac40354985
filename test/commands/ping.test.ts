import { describe, expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import { MeshError } from '../../src/control/errors.ts'
import { netcheckSchema } from '../../src/control/network-methods.ts'
import { type Answers, fakeHost } from './fake-host.ts'
import { BOB, checked, pinged } from './samples.ts'

async function run(line: string[], answers: Answers) {
  const [name, ...argv] = line
  const host = fakeHost(answers)
  const command = commands.find(each => each.name === name) ?? expect.fail(`no command ${name}`)
  const code = await runArgv(command, argv, host)
  return { code, ...host.printed, calls: host.calls }
}

const away = new MeshError('dial_failed', { peer: BOB, retryable: true, detail: 'not connected' })

/** Answers one after the other; what is an error is thrown. */
function each(...answers: (typeof pinged | Error)[]): Answers {
  const left = [...answers]
  return {
    ping: () => {
      const answer = left.shift() ?? expect.fail('asked too often')
      if (answer instanceof Error) throw answer
      return answer
    }
  }
}

describe('ping', () => {
  const quick = ['--interval', '100']

  it('prints a line for each round trip as it comes, so that a change of path is seen, and what they took', async () => {
    const answers = [pinged, { ...pinged, rttMs: 39.6 }, { ...pinged, path: 'direct' as const, rttMs: 4.26 }, away]
    const { code, stdout, stderr, calls } = await run(['ping', 'bob', ...quick], each(...answers))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      'reply from bob: path=relayed 41 ms\n' +
        'reply from bob: path=relayed 40 ms\n' +
        'reply from bob: path=direct 4.3 ms\n' +
        'no reply from bob\n' +
        '4 sent, 3 answered, min/avg/max 4.3 ms / 28 ms / 41 ms\n'
    )
    expect(calls).toEqual(Array(4).fill({ method: 'ping', params: { who: 'bob' } }))
  })

  it('prints one document with all of them as JSON', async () => {
    const { code, stdout } = await run(['ping', 'bob', '--count', '2', ...quick, '--json'], each(away, pinged))
    expect(code).toBe(0)
    const { instanceId, peerId, name, path, rttMs, address } = pinged
    expect(JSON.parse(stdout)).toEqual({
      to: { instanceId, peerId, name },
      tries: [{ error: 'dial_failed' }, { path, rttMs, address }],
      sent: 2,
      answered: 1,
      rttMs: { min: 41.2, avg: 41.2, max: 41.2 }
    })
  })

  it('that nobody answered ends with 1 and one sentence', async () => {
    const text = await run(['ping', 'bob', '--count', '2', ...quick], each(away, away))
    expect(text).toMatchObject({ code: 1, stdout: 'no reply from bob\nno reply from bob\n2 sent, 0 answered\n' })
    expect(text.stderr).toBe(
      `${BOB} cannot be reached now (not connected); check that it is running, and what openclaw p2p status says.\n`
    )
    const json = await run(['ping', 'bob', '--count', '1', '--json'], each(away))
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toEqual({
      to: null,
      tries: [{ error: 'dial_failed' }],
      sent: 1,
      answered: 0,
      rttMs: null
    })
    expect(json.stderr).toMatch(/^[^\n]+\n$/)
  })

  it.each([
    [new MeshError('unknown_target', { peer: 'bob' }), 1, /^Nobody here is known as "bob"; see openclaw p2p peers/],
    [new MeshError('not_trusted', { peer: BOB }), 1, /is not admitted here; to admit it, run: openclaw p2p approve/],
    [new MeshError('self_target'), 2, /^"bob" is this instance itself/]
  ])('%s ends it at once', async (error, code, sentence) => {
    for (const json of [[], ['--json']]) {
      const result = await run(['ping', 'bob', ...json], each(error))
      expect(result).toMatchObject({ code, stdout: '' })
      expect(result.stderr).toMatch(sentence)
    }
  })

  it('waits between two of them as long as it is told, and not after the last', async () => {
    const asked: number[] = []
    const ping = () => {
      asked.push(performance.now())
      return pinged
    }
    await run(['ping', 'bob', '--count', '2', '--interval', '300'], { ping })
    const [first = 0, second = 0] = asked
    expect(second - first).toBeGreaterThan(290)
    // With a pause after the last one this would not come back within the hour.
    expect(await run(['ping', 'bob', '--count', '1', '--interval', '3600000'], { ping })).toMatchObject({ code: 0 })
  })
})

describe('netcheck', () => {
  it('prints what it found, aligned, and one advice at the end', async () => {
    const { code, stdout } = await run(['netcheck'], { netcheck: () => checked })
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'listens      /ip4/192.168.5.7/tcp/4001',
      'interface    wlan0 192.168.5.7 private',
      '             docker0 172.17.0.1 inner',
      'multicast    heard: A question of ours came back on wlan0.',
      'ipv6         none: No interface has a global IPv6 address.',
      'upnp         none: No router answered.',
      'reachable    private (Two others could not dial this instance)',
      'address      /ip4/203.0.113.7/tcp/4001 unreachable',
      'nat mapping  different for each destination',
      'seen as      /ip4/203.0.113.7/tcp/4001',
      '             /ip4/203.0.113.7/tcp/4002',
      'relay        …uKSCnRxR reserved 12 min 34 ms',
      '             …ZnnsTzqD trying: It cannot be reached.',
      'advice       Add a second relay.',
      ''
    ])
  })

  it('says what there is none of', async () => {
    const nothing = { ...checked, listeners: [], interfaces: [], addresses: [], relays: [] }
    const natMapping = { kind: 'unknown' as const, seen: [] }
    const { stdout } = await run(['netcheck'], { netcheck: () => ({ ...nothing, natMapping }) })
    expect(stdout).toMatch(/^listens {6}nowhere\ninterface {4}none\n/)
    expect(stdout).toContain('nat mapping  unknown: fewer than two others have said how they see this instance\n')
    expect(stdout).toMatch(/relay {8}none\nadvice {7}Add a second relay\.\n$/)
    expect(stdout).not.toMatch(/seen as|address /)
  })

  it('prints the whole of it as JSON', async () => {
    const { code, stdout } = await run(['netcheck', '--json'], { netcheck: () => checked })
    expect(code).toBe(0)
    expect(netcheckSchema.parse(JSON.parse(stdout))).toEqual(checked)
  })
})
