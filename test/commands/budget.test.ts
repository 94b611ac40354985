import { describe, expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import { budgetSchema, type Result } from '../../src/control/methods.ts'
import { fakeHost } from './fake-host.ts'
import { BOB } from './samples.ts'

const spent: Result<'budget'> = {
  total: { turns: { used: 13, left: 47 }, characters: { used: 4_200, left: 995_800 }, waitsUntil: null },
  peers: [
    {
      instanceId: BOB,
      name: 'bob\u001b[2J',
      turns: { used: 12, left: 0 },
      characters: { used: 4_100, left: 195_900 },
      waitsUntil: '2026-01-02T03:04:05.000Z'
    }
  ]
}

async function run(...argv: string[]) {
  const command = commands.find(({ name }) => name === 'budget') ?? expect.fail('no such command')
  const host = fakeHost({ budget: () => spent })
  const code = await runArgv(command, argv, host)
  return { code, ...host.printed, calls: host.calls }
}

describe('budget', () => {
  it('S-24: shows what each peer and all of them have cost, what is left, and until when messages wait', async () => {
    const { code, stdout, stderr, calls } = await run()
    expect({ code, stderr, calls }).toEqual({ code: 0, stderr: '', calls: [{ method: 'budget', params: {} }] })
    const lines = stdout.split('\n').map(line => line.split(/ {2,}/))
    expect(lines[0]).toEqual(['PEER', 'TURNS USED', 'LEFT', 'CHARACTERS USED', 'LEFT', 'WAITS UNTIL (UTC)'])
    expect(lines[1]?.slice(1)).toEqual(['12', '0', '4100', '195900', '2026-01-02 03:04'])
    expect(lines[2]).toEqual(['all together', '13', '47', '4200', '995800', '-'])
    expect(stdout).not.toContain('\u001b')
  })

  it('S-24: prints the same as JSON', async () => {
    const { code, stdout } = await run('--json')
    expect(code).toBe(0)
    expect(budgetSchema.parse(JSON.parse(stdout))).toEqual(spent)
  })
})
