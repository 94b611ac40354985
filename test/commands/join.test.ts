import { expect, it } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import { fakeHost } from './fake-host.ts'
import { BOB, report, trusted } from './samples.ts'

it.each([
  ['paired', true],
  ['trusted', true],
  ['unknown', false],
  ['blocked', false]
] as const)('S2.40: join says paired for %s: %s', async (trust, paired) => {
  const host = fakeHost({ join: () => ({ ...trusted, trust }) })
  const command = commands.find(({ name }) => name === 'join') ?? expect.fail('no join')
  expect(await runArgv(command, ['mesh1qqqq'], host)).toBe(paired ? 0 : 1)
  expect(host.printed.stdout.startsWith('Paired.\n')).toBe(paired)
})

it('S2.40: join shows the ids of both sides, and as JSON the three things that were asked for', async () => {
  const command = commands.find(({ name }) => name === 'join') ?? expect.fail('no join')
  const answers = {
    join: () => trusted,
    status: () => ({ ...report, instanceId: 'two words@aaaa-bbbb-cccc-dddd-eeee-ffff' })
  }
  const host = fakeHost(answers)
  await runArgv(command, ['mesh1qqqq'], host)
  expect(host.printed.stdout.split('\n').slice(0, 3)).toEqual([
    'Paired.',
    'this instance  two words@aaaa-bbbb-cccc-dddd-eeee-ffff',
    `that instance  ${BOB}`
  ])
  const json = fakeHost(answers)
  await runArgv(command, ['mesh1qqqq', '--json'], json)
  const { peerId, instanceId, trust } = trusted
  expect(json.printed.stdout).toBe(`${JSON.stringify({ peerId, instanceId, trust })}\n`)
})

it('S2.40: join says that it is paired also where the mesh ends right after it', async () => {
  const command = commands.find(({ name }) => name === 'join') ?? expect.fail('no join')
  const host = fakeHost({ join: () => trusted })
  expect(await runArgv(command, ['mesh1qqqq'], host)).toBe(0)
  expect(host.printed.stdout).toMatch(new RegExp(`^Paired\\.\ninstance {2}${BOB}\n`))
})
