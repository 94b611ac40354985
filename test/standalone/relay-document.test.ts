import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readArguments } from '../../src/commands/index.ts'
import { OPEN_RELAY_LIMITS, PROGRAM_RELAY_LIMITS } from '../../src/node/relay-server-limits.ts'
import { relayArguments, relayOptions } from '../../src/standalone/relay-options.ts'

const read = (file: string): string => readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8')

const PLACEHOLDERS: [string, string][] = [
  ['12D3KooW...', '12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust'],
  ['xxxx-xxxx-xxxx-xxxx-xxxx-xxxx', 'abcd-abcd-abcd-abcd-abcd-abcd'],
  // An address of documents is no public one.
  ['203.0.113.10', '9.9.9.9']
]

/** What stands after `relay`, in every document that has the command to copy. */
function commandsOf(file: string): string[] {
  const text = PLACEHOLDERS.reduce((left, [placeholder, value]) => left.replaceAll(placeholder, value), read(file))
  return [...text.matchAll(/libp2p-mesh relay (--.*)$/gm)].map(([, words = '']) => words)
}

/** The words of the entry point, and those that `docker run` adds. */
function containerCommand(): string {
  const text = PLACEHOLDERS.reduce((left, [name, value]) => left.replaceAll(name, value), read('relay/Dockerfile'))
  const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(text)?.[1] ?? '[]') as string[]
  const added = /^# docker run .* libp2p-mesh-relay (--.*)$/m.exec(text)?.[1] ?? ''
  expect(entry.slice(0, 2)).toEqual(['libp2p-mesh', 'relay'])
  return [...entry.slice(2), added].join(' ')
}

describe('what the documents say of a relay', () => {
  it('has commands that the program takes', () => {
    const lines = [...commandsOf('relay.md'), ...commandsOf('relay/libp2p-mesh-relay.service'), containerCommand()]
    expect(lines).toHaveLength(3)
    for (const line of lines) {
      const state = { state: { type: 'string', description: '' } } as const
      const { args, every } = readArguments('relay', { ...state, ...relayOptions }, line.split(' '))
      expect(args).toEqual([])
      const { listen, announce, allow } = relayArguments(every)
      expect({ listen, announce }).toEqual({ listen: ['/ip4/0.0.0.0/tcp/4001'], announce: ['/ip4/9.9.9.9/tcp/4001'] })
      expect(allow.length).toBeGreaterThan(0)
    }
  })

  it('names every option', () => {
    const text = read('relay.md')
    for (const name of Object.keys(relayOptions)) expect(text).toContain(`\`--${name}`)
  })

  it('has the limits that hold', () => {
    const text = read('relay.md')
    const { reservations, circuits, circuitsPerHolder, circuitsPerDialler, strangersPerHolder } = PROGRAM_RELAY_LIMITS
    expect(text).toContain(`${reservations}; with \`--open\` ${OPEN_RELAY_LIMITS.reservationsPerHost} from one address`)
    expect(text).toContain(
      `${circuits} in all, ${circuitsPerHolder} to one peer, ${circuitsPerDialler} by one caller, ${strangersPerHolder} of strangers`
    )
    expect(text).toContain(
      `${PROGRAM_RELAY_LIMITS.circuitsOfStrangers} of all strangers; with \`--open\` ${OPEN_RELAY_LIMITS.circuitsPerHost} from`
    )
    const gib = (bytes: number): string => `${bytes / 1024 ** 3} GiB`
    expect(text).toContain(`| carried for one peer in a day | ${gib(PROGRAM_RELAY_LIMITS.peerDayBytes)}`)
    expect(text).toContain(`| carried for all in a day | ${gib(PROGRAM_RELAY_LIMITS.dayBytes)}`)
  })
})
