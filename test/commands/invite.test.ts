import { expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import type { Result } from '../../src/control/methods.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import { type Answers, fakeHost } from './fake-host.ts'

const TICKETS: Result<'tickets'> = [
  { id: '0123456789abcdef', state: 'open', expiresAt: '2026-11-21T10:24:31.000Z', uses: 2, used: 1, name: 'laptop' },
  { id: 'fedcba9876543210', state: 'spent', expiresAt: '2026-11-20T10:24:31.000Z', uses: 1, used: 1, name: null }
]

async function run(argv: string[], answers: Answers, program = 'openclaw p2p') {
  const command = commands.find(({ name }) => name === 'invite')
  if (command === undefined) throw new Error('no invite')
  const host = fakeHost(answers, { program })
  return { code: await runArgv(command, argv, host), ...host.printed, calls: host.calls }
}

it.each(['openclaw p2p', 'libp2p-mesh --state dir'])(
  'invite --list lists the tickets with short ids, for %s',
  async program => {
    const { code, stdout, calls } = await run(['--list'], { tickets: () => TICKETS }, program)
    expect(code).toBe(0)
    expect(calls).toEqual([{ method: 'tickets', params: {} }])
    expect(stdout).toMatch(/^ID +STATE +USED +UNTIL \(UTC\) +NAME *\n01234567 +open +1 of 2 +2026-11-21 10:24 +laptop/)
    expect(stdout).toContain(`${program} invite --revoke <id>`)
    const none = await run(['--list'], { tickets: () => [] }, program)
    expect(none.stdout).toBe('There are no tickets.\n')
  }
)

it('invite --list --json prints them as they are', async () => {
  const { stdout } = await run(['--list', '--json'], { tickets: () => TICKETS })
  expect(JSON.parse(stdout)).toEqual(TICKETS)
})

it('invite --revoke withdraws one by its short id, and says who stays', async () => {
  const [ticket] = TICKETS
  if (ticket === undefined) throw new Error('no ticket')
  const { code, stdout, calls } = await run(['--revoke', '01234567'], { withdraw: () => ticket })
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: 'Ticket 01234567 is withdrawn. Who came with it stays: 1 of 2.\n'
  })
  expect(calls).toEqual([{ method: 'withdraw', params: { id: '01234567' } }])
  const json = await run(['--revoke', '01234567', '--json'], { withdraw: () => ticket })
  expect(JSON.parse(json.stdout)).toEqual(ticket)
})

it('invite --revoke of an id that is not there is one sentence and exit code 2', async () => {
  const refuse = () => {
    throw new MeshError('bad_request', { detail: 'no ticket has an id that starts with abcd1234' })
  }
  const { code, stdout, stderr } = await run(['--revoke', 'abcd1234'], { withdraw: refuse })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toBe('The request is not understood: no ticket has an id that starts with abcd1234.\n')
})
