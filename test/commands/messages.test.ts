import { expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import type { Result } from '../../src/control/methods.ts'
import { fakeHost } from './fake-host.ts'
import { message } from './samples.ts'

const list: Result<'messages'> = [{ ...message, text: 'hi\u001b[2J\nyou' }]

async function run(argv: string[], answer = list) {
  const host = fakeHost({ messages: () => answer })
  const command = commands.find(({ name }) => name === 'messages')
  if (command === undefined) throw new Error('no such command')
  return { code: await runArgv(command, argv, host), ...host.printed, calls: host.calls }
}

it('S2.33: prints a line per message that is safe to show, and the whole of it as JSON', async () => {
  const { code, stdout, calls } = await run([])
  expect({ code, calls }).toEqual({ code: 0, calls: [{ method: 'messages', params: { limit: 20 } }] })
  expect(stdout.split('\n')).toEqual([
    'FROM  FINGERPRINT                    CAME (UTC)        STATE  ID        TEXT',
    'bob   mfzw-izlb-onsw-i2lo-m5zg-k4tf  2026-11-21 10:24  done   01234567  hi\\u001b[2J you',
    ''
  ])
  expect(JSON.parse((await run(['--limit', '1', '--json'])).stdout)).toEqual(list)
  expect((await run([], [])).stdout).toBe('No messages.\n')
})
