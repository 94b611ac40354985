import { describe, expect, it } from 'vitest'
import { wordOf } from '../../src/commands/arguments.ts'
import { commandHelp, commands, packageVersion, runArgv } from '../../src/commands/index.ts'
import { LINE_MAX_COLUMNS, widthOf } from '../../src/commands/table.ts'
import { fakeHost } from './fake-host.ts'

/** The methods of commands that are called otherwise. */
const METHODS: Record<string, string> = { inbox: 'notices', outbox: 'message' }

describe('help', () => {
  for (const command of commands) {
    it(`of ${command.name} fits the width, names every word and option, and gives an example`, () => {
      const help = commandHelp(command, 'libp2p-mesh')
      for (const line of help.split('\n')) expect(widthOf(line), line).toBeLessThanOrEqual(LINE_MAX_COLUMNS)
      for (const positional of command.positionals) expect(help).toContain(wordOf(positional))
      for (const name of [...Object.keys(command.options), 'json']) expect(help).toContain(`--${name}`)
      expect(help).toContain(`Example:\n  libp2p-mesh ${command.example}\n`)
    })

    it(`of ${command.name} has an example that is right`, async () => {
      const [, ...argv] = (command.example.match(/"[^"]*"|\S+/g) ?? []).map(word => word.replaceAll('"', ''))
      const host = fakeHost()
      await runArgv(command, argv, host)
      expect(host.calls.map(({ method }) => method)).toEqual([METHODS[command.name] ?? command.name])
    })
  }
})

it('packageVersion is the version of package.json', () => {
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/)
})
