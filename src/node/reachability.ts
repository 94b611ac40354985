import type { Netcheck, Reachability } from '../mesh/ports.ts'

export interface ReachabilityFacts {
  /** Addresses of this node that mean the same everywhere, without peer id and without those at relays, as AutoNAT found each. */
  addresses: Netcheck['addresses']
  upnp: Netcheck['upnp']
  /** Addresses that the settings announce. */
  announced: readonly string[]
  autoNat: boolean
}

/** Whether others can dial this node from outside its network. What somebody has tried counts before what is only said. */
export function reachabilityOf({ addresses, upnp, announced, autoNat }: ReachabilityFacts): Reachability {
  const reached = addresses.find(({ verdict }) => verdict === 'reachable')
  if (reached !== undefined)
    return { verdict: 'public', reason: `AutoNAT: ${shown(reached.address)} was dialled back by another node.` }
  const failed = addresses.find(({ verdict }) => verdict === 'unreachable')
  const untried = addresses.filter(({ verdict }) => verdict === 'unknown')
  if (failed !== undefined && untried.length === 0)
    return { verdict: 'private', reason: `AutoNAT: another node could not connect to ${shown(failed.address)}.` }
  const mapped = untried.find(({ address }) => upnp.addresses.some(each => isPrefix(each, address)))
  if (mapped !== undefined)
    return {
      verdict: 'public',
      reason: `The router opened ${shown(mapped.address)} by UPnP; nobody outside has tried it yet.`
    }
  if (addresses.length === 0) return { verdict: 'private', reason: `No address of this machine is public${nor(upnp)}` }
  const why = autoNat ? 'nobody outside has been asked yet' : 'without AutoNAT nobody outside is asked'
  const [first] = untried
  const what = announced.includes(first?.address ?? '') ? 'announceAddrs says' : 'A public address is'
  return { verdict: 'unknown', reason: `${what} ${shown(first?.address ?? '')}; ${why}.` }
}

function nor({ state }: Netcheck['upnp']): string {
  return state === 'off' ? ', and no router is asked to open a port.' : ', and no router opened a port.'
}

function isPrefix(one: string, address: string): boolean {
  return address === one || address.startsWith(`${one}/`)
}

/** `46.0.0.2 port 4001`, or the multiaddr where it is another one. */
function shown(address: string): string {
  const [, host, port] = /^\/(?:ip[46]|dns[46]?)\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? []
  return host === undefined ? address : `${host} port ${port}`
}
