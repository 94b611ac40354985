import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import { type Method, methods } from '../../src/control/methods.ts'
import { callMethod } from '../../src/control/server.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import { type Member, World } from '../mesh/world.ts'
import { fakeHost } from './fake-host.ts'

const WHO = 'mfzw-izlb-onsw-i2lo-m5zg-k4tf'

/** Wrong in ways that are seen before anybody is asked. */
const WRONG: Record<string, string[][]> = {
  invite: [
    ['now'],
    ...['', '15', 'soon', '-5m', '1s', '8d', '1e9s', '15 m 2', '\u001b[2J'].map(ttl => ['--ttl', ttl]),
    ...['', '0', '-1', '1.5', '1e3', '999999', 'many'].map(uses => ['--uses', uses]),
    ['--name'],
    ['--ttl'],
    ['--plain=yes'],
    ['--list=yes'],
    ['--list', '--revoke', 'abcd1234'],
    ['--list', '--name', 'bob'],
    ['--revoke', 'abcd1234', '--plain'],
    ['--revoke'],
    ...['', 'abc', 'no-id', '0123456789abcdef0', '../abcd', '\u001b[2J'].map(id => ['--revoke', id]),
    ['--for', 'bob']
  ],
  join: [[], [''], ['mesh1aa', 'mesh1bb'], ['x'.repeat(20_000)], ['-', '--ttl', '1h']],
  nearby: [['bob'], ['--all']],
  request: [
    [],
    [''],
    ['bob', 'carol'],
    ['bob', '--purpose', 'x'.repeat(5_000)],
    ['bob', '--purpose'],
    ['bob', '--why=x']
  ],
  requests: [['bob'], ['--all']],
  approve: [[], [''], ['bob', 'carol'], ['bob', '--name'], ['bob', '--level', 'trusted']],
  reject: [[], [''], ['bob', 'carol'], ['bob', '--forever']],
  trust: [
    [],
    ['bob'],
    ['', 'paired'],
    ['bob', ''],
    ['bob', 'unknown'],
    ['bob', 'PAIRED'],
    ['bob', 'owner'],
    ['bob', 'paired', 'now']
  ],
  rename: [[], ['bob'], ['', 'ann'], ['bob', ''], ['bob', 'ann', 'lee']],
  forget: [[], [''], ['bob', 'carol'], ['--all'], ['bob', '--force']],
  budget: [['bob'], ['--peer', 'bob']],
  netcheck: [['bob'], ['--all'], ['--json=yes']],
  ping: [
    [],
    [''],
    ['bob', 'carol'],
    ['bob', '--count'],
    ...['', '0', '-1', '1.5', 'all', '50001', '1e3', '\u001b[2J'].map(count => ['bob', `--count=${count}`]),
    ...['', '0', '99', '-1', '1s', '3600001'].map(interval => ['bob', `--interval=${interval}`]),
    ['bob', '--forever']
  ],
  outbox: [
    ...['remove', '', 'LIST', 'ab'.repeat(16)].map(action => [action]),
    ['list', 'ab'.repeat(16)],
    ...['show', 'retry', 'cancel', 'dismiss'].flatMap(action => [
      [action],
      [action, ''],
      [action, 'ab'],
      [action, 'xy'.repeat(16)],
      [action, `${'ab'.repeat(16)}0`],
      [action, 'ab'.repeat(16), 'cd'.repeat(16)]
    ]),
    ...['0', '1001', 'all', '-1'].map(limit => ['--limit', limit]),
    ['--all']
  ],
  messages: [['bob'], ['--limit', '0'], ['--limit', '201'], ['--limit', 'all'], ['--limit']],
  inbox: [
    ...['', 'x', '1.5', '-1', 'abcdef0', 'abcdef0g', `${'a'.repeat(33)}`, '__proto__', '\u001b[2J'].map(id => [
      'show',
      id
    ]),
    ...['', 'x', '0', '-1', '1.5', '99999999', 'abcdef01'].map(id => ['read', id]),
    ['show'],
    ['List'],
    ['list', 'abcdef01'],
    ['list', '--limit', '0'],
    ['list', '--limit', '201'],
    ['list', '--dismiss', '3'],
    ['show', 'abcdef01', 'abcdef02'],
    ['show', 'abcdef01', '--limit', '2'],
    ['read', '--read'],
    ['--limit', '5'],
    ['bob'],
    ['--dismiss'],
    ['--dismiss', 'x'],
    ['--dismiss', '0'],
    ['--dismiss', '-1'],
    ['--read=7']
  ]
}

describe('wrong words', () => {
  it.each(Object.entries(WRONG))(
    '%s: each is one sentence and exit code 2, and nobody is asked',
    async (name, cases) => {
      const command = commands.find(each => each.name === name)
      if (command === undefined) throw new Error(`no command ${name}`)
      for (const words of cases) {
        for (const argv of [words, [...words, '--json']]) {
          const host = fakeHost()
          const code = await runArgv(command, argv, host)
          expect({ argv, code, stdout: host.printed.stdout, calls: host.calls }).toEqual({
            argv,
            code: 2,
            stdout: '',
            calls: []
          })
          // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not reach a terminal
          expect(host.printed.stderr).toMatch(/^[^\u0000-\u001f\u007f-\u009f]+[.:]?\n$/)
        }
      }
    }
  )

  it('an empty standard input is no ticket', async () => {
    const command = commands.find(({ name }) => name === 'join')
    if (command === undefined) throw new Error('no join')
    const host = fakeHost({}, { input: ' \n' })
    expect(await runArgv(command, ['-'], host)).toBe(2)
    expect(host.calls).toEqual([])
  })
})

/** What no schema lets through, for each parameter of each method of the owner. */
const ODD = [
  undefined,
  null,
  0,
  -1,
  1.5,
  Number.NaN,
  2 ** 53,
  true,
  {},
  [],
  '',
  ' ',
  'x'.repeat(10_000),
  '\u0000',
  '__proto__',
  '‮'
]

const GOOD: Partial<Record<Method, Record<string, unknown>>> = {
  invite: { ttlMs: 60_000, uses: 1, name: 'guest' },
  withdraw: { id: 'abcd1234' },
  join: { ticket: 'mesh1' },
  request: { who: WHO, purpose: 'tea' },
  approve: { who: WHO, name: 'bob' },
  reject: { who: WHO },
  trust: { who: WHO, level: 'paired' },
  rename: { who: WHO, name: 'bob' },
  forget: { who: WHO },
  ping: { who: WHO },
  retryMessage: { id: 'ab'.repeat(16) },
  cancelMessage: { id: 'ab'.repeat(16) },
  dismissMessage: { id: 'ab'.repeat(16) }
}

describe('wrong parameters', () => {
  let world: World
  let bob: Member

  beforeEach(async () => {
    world = new World()
    bob = await world.member('bob')
    await bob.ask.approve({ who: WHO, name: 'carol' })
  })

  afterEach(async () => {
    await world.end()
  })

  const state = () => ({
    trust: bob.store.trust.all(),
    incoming: bob.store.contacts.pending('incoming'),
    outgoing: bob.store.contacts.pending('outgoing'),
    tickets: bob.store.tickets.all(),
    notices: bob.store.notices.unread(100)
  })

  it.each(Object.entries(GOOD))('%s: each is a refusal of the mesh, and nothing is changed', async (name, good) => {
    const method = name as Method
    let refusals = 0
    for (const key of Object.keys(good)) {
      for (const odd of ODD) {
        const params = { ...good, [key]: odd }
        // What the schema takes may be right, a name of one letter for one; those that it refuses must change nothing.
        const refused = !methods[method].params.safeParse(params).success
        const before = state()
        const error = await callMethod(bob.ask, method, params).then(
          () => undefined,
          (thrown: unknown) => thrown
        )
        if (error === undefined) continue
        refusals += 1
        expect(error, `${key}: ${String(odd).slice(0, 20)}`).toBeInstanceOf(MeshError)
        if (refused) expect(error).toMatchObject({ code: 'bad_request' })
        expect(state()).toEqual(before)
      }
    }
    expect(refusals).toBeGreaterThan(8)
  })

  it.each([
    ['approve', { who: 'somebody' }, 'unknown_target'],
    ['approve', { who: WHO, name: '‮gnp' }, 'bad_request'],
    ['approve', { who: '12D3KooWnotapeerid' }, 'unknown_target'],
    ['trust', { who: 'somebody', level: 'trusted' }, 'unknown_target'],
    ['rename', { who: WHO, name: 'a\nb' }, 'bad_request'],
    ['rename', { who: 'somebody', name: 'ann' }, 'unknown_target'],
    ['forget', { who: 'somebody' }, 'unknown_target'],
    ['reject', { who: WHO }, 'no_request'],
    ['request', { who: WHO }, 'unknown_target'],
    ['invite', { ttlMs: 60_000, uses: 1, name: '<b>' }, 'bad_request'],
    ['withdraw', { id: 'abcd1234' }, 'bad_request'],
    ['join', { ticket: 'mesh1qqqq' }, 'bad_ticket'],
    ['ping', { who: 'somebody' }, 'unknown_target'],
    ['ping', { who: WHO }, 'unknown_target'],
    ['retryMessage', { id: 'ab'.repeat(16) }, 'not_found'],
    ['cancelMessage', { id: 'ab'.repeat(16) }, 'not_found'],
    ['dismissMessage', { id: 'ab'.repeat(16) }, 'not_found'],
    ['message', { id: 'ab'.repeat(16) }, 'not_found']
  ] as const)('%s %j is refused as %s and changes nothing', async (method, params, code) => {
    const before = state()
    await expect(callMethod(bob.ask, method, params)).rejects.toMatchObject({ code })
    expect(state()).toEqual(before)
  })

  it('this instance itself can be neither approved, blocked, asked, forgotten nor pinged', async () => {
    for (const method of ['approve', 'request', 'reject', 'forget', 'ping'] as const) {
      for (const who of [bob.peer, bob.instance]) {
        await expect(callMethod(bob.ask, method, { who })).rejects.toMatchObject({ code: 'self_target' })
      }
    }
    await expect(callMethod(bob.ask, 'trust', { who: bob.peer, level: 'blocked' })).rejects.toMatchObject({
      code: 'self_target'
    })
  })
})
