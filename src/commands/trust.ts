import type { Result } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { fields } from './table.ts'

const LEVELS = ['blocked', 'paired', 'trusted'] as const

export const trust = defineCommand({
  name: 'trust',
  summary: 'Set how far a peer is trusted; blocked ends its connection.',
  example: 'trust bob blocked',
  positionals: [
    { name: 'who', description: 'instance id, peer id or name of the peer' },
    { name: 'level', description: 'blocked, paired or trusted', values: LEVELS }
  ],
  options: {},
  async run({ client, args, out, signal }) {
    const result = await client.call(
      'trust',
      { who: args.who, level: args.level as (typeof LEVELS)[number] },
      { signal }
    )
    out.result(result, () => trustLines(result))
    return EXIT.done
  }
})

/** What `approve`, `join` and `trust` say about the peer, and where the owners compare ids, about this side. */
export function trustLines(result: Result<'trust'>, { self }: { self?: string } = {}): string[] {
  return fields([
    ...(self === undefined ? [] : [['this instance', self] as const]),
    [self === undefined ? 'instance' : 'that instance', safe(result.instanceId)],
    ['peer id', result.peerId === null ? 'not met yet' : safe(result.peerId)],
    ['trust', result.before === result.trust ? `${result.trust}, as before` : `${result.trust}, was ${result.before}`],
    ['link', result.connected ? 'connected' : 'not connected']
  ])
}
