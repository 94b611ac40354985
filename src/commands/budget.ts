import type { Result } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { table } from './table.ts'
import { minuteOf } from './times.ts'

const HEADING = ['PEER', 'TURNS USED', 'LEFT', 'CHARACTERS USED', 'LEFT', 'WAITS UNTIL (UTC)']

type Expenses = Result<'budget'>['total']

export const budget = defineCommand({
  name: 'budget',
  summary: 'Show what peers have cost in turns and characters, and what is left.',
  example: 'budget',
  positionals: [],
  options: {},
  async run({ client, out, signal }) {
    const result = await client.call('budget', {}, { signal })
    out.result(result, () => [
      ...table(HEADING, [
        ...result.peers.map(peer => [safe(peer.name), ...cells(peer)]),
        ['all together', ...cells(result.total)]
      ]),
      '',
      'Turns are of the last hour, characters of the last 24 hours, in and out.'
    ])
    return EXIT.done
  }
})

function cells({ turns, characters, waitsUntil }: Expenses): string[] {
  const waits = waitsUntil === null ? '-' : minuteOf(waitsUntil)
  return [turns.used, turns.left, characters.used, characters.left].map(String).concat(waits)
}
