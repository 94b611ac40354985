import type { Netcheck, RelayState } from '../mesh/ports.ts'
import { isLoopback } from './paths.ts'

/** What the advice follows from: everything else that was found. */
export type Facts = Omit<Netcheck, 'advice'>

/** Each rule in its turn: the first that fits is the most useful thing to do. */
const RULES: readonly ((facts: Facts) => string | undefined)[] = [
  nothingListens,
  // Before what follows from the sockets: without a network, loopback is all that they have.
  noNetwork,
  loopbackOnly,
  // What the own network needs goes before what others need to come in.
  silentMulticast,
  outOfReach,
  relaysFail,
  oneRelay
]

/** The one thing that would help most, in one line. */
export function adviceOf(facts: Facts): string {
  for (const rule of RULES) {
    const advice = rule(facts)
    if (advice !== undefined) return advice
  }
  return fine(facts)
}

function nothingListens({ listeners, relays }: Facts): string | undefined {
  if (listeners.length > 0 || reserved(relays).length > 0) return undefined
  return 'Nothing listens here, so others cannot connect: see the issues of status, and free the port or change listenAddrs.'
}

function noNetwork({ interfaces }: Facts): string | undefined {
  if (interfaces.some(({ kind }) => kind === 'public' || kind === 'private')) return undefined
  return 'This machine has no network at present: connect it to one.'
}

function loopbackOnly({ listeners, relays }: Facts): string | undefined {
  if (reserved(relays).length > 0 || !listeners.every(isLoopback)) return undefined
  return 'Only programs of this machine can connect: to be reached by others, put /ip4/0.0.0.0/tcp/0 into listenAddrs.'
}

/** Nobody outside the own network can connect, neither straight nor through a relay. */
function outOfReach({ reachability, relays, natMapping, upnp }: Facts): string | undefined {
  if (reachability.verdict === 'public' || reserved(relays).length > 0) return undefined
  if (relays.length > 0) return `No relay lets others in: ${problemOf(relays)}`
  if (reachability.verdict === 'unknown') return undefined
  if (natMapping.kind === 'different')
    return 'Add a relay to relayList: the router gives each destination another port, so others come in through a relay only.'
  if (upnp.state === 'off')
    return 'Set enableUPnP, so that the router may open a port, or add a relay to relayList: others cannot connect from outside.'
  return 'Add a relay to relayList, or forward a port to this machine and name it in announceAddrs: others cannot connect from outside.'
}

function relaysFail({ relays }: Facts): string | undefined {
  if (!relays.some(({ state }) => state === 'trying')) return undefined
  return `Others can connect, but a relay is missing: ${problemOf(relays)}`
}

function silentMulticast({ multicast }: Facts): string | undefined {
  if (multicast.state !== 'silent') return undefined
  return 'Let UDP port 5353 through the firewall, or name a neighbour in bootstrapList: multicast is not heard, so instances nearby are not found.'
}

function oneRelay({ reachability, relays }: Facts): string | undefined {
  if (reachability.verdict === 'public' || reserved(relays).length !== 1 || relays.length > 1) return undefined
  return 'Add a second relay to relayList: all others come in through a single one.'
}

function fine({ reachability, relays }: Facts): string {
  if (reachability.verdict === 'public') return 'All is well: others can connect from anywhere.'
  if (reserved(relays).length > 0) return 'All is well: others can connect from anywhere, through a relay.'
  return 'All is well in this network; to be reached from others too, add a relay to relayList.'
}

function reserved(relays: readonly RelayState[]): RelayState[] {
  return relays.filter(({ state }) => state === 'reserved')
}

function problemOf(relays: readonly RelayState[]): string {
  return relays.find(({ problem }) => problem !== undefined)?.problem ?? 'none of relayList has answered yet.'
}
