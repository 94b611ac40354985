import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { fingerprintIn, oneOf } from './fingerprint.ts'
import { table } from './table.ts'
import { minuteOf } from './times.ts'

export const nearby = defineCommand({
  name: 'nearby',
  summary: 'List instances that were found and are not let in.',
  example: 'nearby',
  positionals: [],
  options: {},
  async run({ client, out, program, signal }) {
    const list = await client.call('nearby', {}, { signal })
    out.result(list, () =>
      list.length === 0
        ? [`Nobody new is in sight; to bring somebody from elsewhere, run: ${program} invite`]
        : [
            ...table(
              ['CALLS ITSELF', 'FINGERPRINT', 'PATH', 'LAST SEEN (UTC)'],
              list.map(peer => [
                safe(peer.name),
                fingerprintIn(peer.instanceId),
                peer.path ?? 'offline',
                peer.lastSeenAt === null ? 'never' : minuteOf(peer.lastSeenAt)
              ])
            ),
            '',
            `To ask one to be let in: ${program} request ${oneOf(list.map(({ instanceId }) => instanceId))}`
          ]
    )
    return EXIT.done
  }
})
