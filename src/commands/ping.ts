import { setTimeout as sleep } from 'node:timers/promises'
import { MeshError } from '../control/errors.ts'
import type { Result } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { roundTripOf } from './times.ts'

/** A night of one ping per second; all of them stand in the JSON document. */
const COUNT_MAX = 50_000

/** The other side answers eight at once, and a faster one would measure itself. */
const INTERVAL_MIN_MS = 100
const INTERVAL_MAX_MS = 3_600_000

type Reply = Result<'ping'>

/** One round trip, or none. */
type Try = Pick<Reply, 'path' | 'rttMs' | 'address'> | { error: string }

export const ping = defineCommand({
  name: 'ping',
  summary: 'Measure round trips to a peer, and by which path: lan, direct or relayed.',
  example: 'ping bob --count 10',
  positionals: [{ name: 'who', description: 'instance id, peer id or name of a peer' }],
  options: {
    count: {
      type: 'string',
      short: 'c',
      placeholder: 'count',
      range: [1, COUNT_MAX],
      default: '4',
      description: 'How many round trips. Ctrl-C ends it earlier.'
    },
    interval: {
      type: 'string',
      short: 'i',
      placeholder: 'ms',
      range: [INTERVAL_MIN_MS, INTERVAL_MAX_MS],
      default: '1000',
      description: 'Pause between two of them.'
    }
  },
  async run({ client, args, options, out, signal }) {
    const count = Number(options.count)
    const tries: Try[] = []
    let to: Pick<Reply, 'instanceId' | 'peerId' | 'name'> | null = null
    let lost: MeshError | undefined
    for (let sent = 1; sent <= count; sent++) {
      try {
        const { path, rttMs, address, ...peer } = await client.call('ping', { who: args.who }, { signal })
        to = peer
        tries.push({ path, rttMs, address })
        out.line(`reply from ${safe(peer.name)}: path=${path} ${roundTripOf(rttMs)}`)
      } catch (error) {
        // Only a peer that is out of reach may be within reach at the next one.
        if (!(error instanceof MeshError) || error.code !== 'dial_failed') throw error
        lost = error
        tries.push({ error: error.code })
        out.line(`no reply from ${safe(to?.name ?? args.who)}`)
      }
      if (sent < count) await sleep(Number(options.interval), undefined, { signal })
    }
    const rtt = spreadOf(tries.flatMap(each => ('error' in each ? [] : [each.rttMs])))
    const answered = tries.filter(each => !('error' in each)).length
    out.result({ to, tries, sent: count, answered, rttMs: rtt }, () => [
      `${count} sent, ${answered} answered${rtt === null ? '' : `, min/avg/max ${[rtt.min, rtt.avg, rtt.max].map(roundTripOf).join(' / ')}`}`
    ])
    if (answered === 0 && lost !== undefined) throw lost
    return EXIT.done
  }
})

function spreadOf(times: readonly number[]): { min: number; avg: number; max: number } | null {
  if (times.length === 0) return null
  const sum = times.reduce((total, ms) => total + ms, 0)
  return { min: Math.min(...times), avg: sum / times.length, max: Math.max(...times) }
}
