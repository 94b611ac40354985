import type { Result } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'
import { roundTripOf, spanOf } from './times.ts'

/** What `status` and `netcheck` say in the same words. */

type Relay = Result<'status'>['relays'][number]
type Usage = NonNullable<Result<'status'>['relay']>

/** A sentence. */
export const SENTENCE_MAX_CHARS = 500

/** A sentence, or an address, with what stands beside it. */
export const LINE_MAX_CHARS = 600

/** The end of a peer id tells peers apart; its beginning is the same for all. */
const PEER_SHORT_CHARS = 8

/** Peers that take most of what a relay carries; the rest is in `--json`. */
const CARRIED_PEERS_MAX = 3

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function reachable({ verdict, reason }: { verdict: string; reason: string }): string {
  return `${verdict} (${safe(reason, SENTENCE_MAX_CHARS).replace(/\.$/, '')})`
}

/** Lines of `fields` under one name: a value each, and where there is none, `none`. */
export function listed(
  name: string,
  values: readonly string[],
  { none, maxChars = LINE_MAX_CHARS }: { none?: string; maxChars?: number } = {}
): [string, string][] {
  if (values.length === 0) return none === undefined ? [] : [[name, none]]
  return values.map((value, index) => [index === 0 ? name : '', safe(value, maxChars)])
}

export function relayLine({ peer, state, problem, ageMs, rttMs }: Relay): string {
  const age = ageMs === undefined ? '' : ` ${spanOf(ageMs)}`
  const rtt = rttMs === undefined ? '' : ` ${roundTripOf(rttMs)}`
  const why = problem === undefined ? '' : `: ${safe(problem, SENTENCE_MAX_CHARS)}`
  return `${shortPeer(peer)} ${state}${age}${rtt}${why}`
}

/** What this instance carries for others: now, and today. */
export function usageLines({ reservations, circuits, today, refused }: Usage): string[] {
  const now = `${reservations.used} of ${reservations.max} reservations, ${counted(circuits, 'circuit')}`
  const turned = `refused since the start: ${counted(refused.reservations, 'reservation')}, ${counted(refused.circuits, 'circuit')}`
  const peers = today.peers
    .slice(0, CARRIED_PEERS_MAX)
    .map(({ peer, bytes, maxBytes }) => `${shortPeer(peer)} ${amountOf(bytes)} of ${amountOf(maxBytes)}`)
  const more = today.peers.length - peers.length
  const whom = peers.length === 0 ? '' : `: ${peers.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return [now, `${amountOf(today.bytes)} today${whom}`, turned]
}

function shortPeer(peer: string): string {
  return peer.length <= PEER_SHORT_CHARS ? safe(peer) : `…${safe(peer.slice(-PEER_SHORT_CHARS))}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Bytes in the largest unit that leaves a whole number before the point. */
function amountOf(bytes: number): string {
  let [amount, unit] = [bytes, 0]
  for (; amount >= 1024 && unit < UNITS.length - 1; unit++) amount /= 1024
  return `${unit === 0 ? amount : amount.toFixed(1)} ${UNITS[unit]}`
}
