import type { Peer } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { fingerprintIn } from './fingerprint.ts'
import { table } from './table.ts'
import { minuteOf } from './times.ts'

const HEADING = ['NAME', 'FINGERPRINT', 'TRUST', 'PATH', 'RTT', 'QUEUED', 'LAST SEEN (UTC)']

export const peers = defineCommand({
  name: 'peers',
  summary: 'List the peers that are known, with trust, path and waiting messages.',
  example: 'peers',
  positionals: [],
  options: {},
  async run({ client, out, program, signal }) {
    const list = await client.call('peers', {}, { signal })
    out.result(list, () =>
      list.length === 0
        ? [`No peers yet; to admit one, run: ${program} approve <instance id or peer id>`]
        : table(HEADING, list.map(row))
    )
    return EXIT.done
  }
})

function row(peer: Peer): string[] {
  return [
    safe(peer.name),
    fingerprintIn(peer.instanceId),
    peer.trust,
    peer.path ?? 'offline',
    peer.rttMs === null ? '-' : `${Math.round(peer.rttMs)} ms`,
    String(peer.queued),
    peer.lastSeenAt === null ? 'never' : minuteOf(peer.lastSeenAt)
  ]
}
