import { multiaddr } from '@multiformats/multiaddr'
import type { Issues } from './issues.ts'
import { placeOf } from './reach.ts'

/** A peer that the settings name, with the addresses that they give it. */
export interface ListedPeer {
  peer: string
  addresses: string[]
}

/**
 * The peers of a list in the settings, in its order, each once. Entries that are no address of a peer, or of this very node, are said in the issues and left
 * out.
 *
 * @param init `setting`: name of the list, for the sentences
 */
export function parsePeerList(
  list: string[],
  { issues }: { issues: Issues },
  init: { setting: 'bootstrapList' | 'relayList'; self: string }
): ListedPeer[] {
  const peers = new Map<string, string[]>()
  const ignore = (entry: string, why: string): void =>
    void issues.report(entry, `An entry of ${init.setting}${why}; it is ignored.`)
  for (const entry of list) {
    const peer = peerOf(entry)
    const place = placeOf(entry)
    if (peer === undefined) {
      ignore(entry, ' is not a multiaddr with a /p2p/ peer id')
    } else if (peer === init.self) {
      ignore(entry, `, ${entry}, is this instance itself`)
    } else if (place === undefined || place.reach === 'never') {
      ignore(entry, `, ${entry}, leads nowhere that this node could dial`)
    } else if (place.relayed && init.setting === 'relayList') {
      ignore(entry, `, ${entry}, leads through another relay, and a relay has to be reached directly`)
    } else {
      peers.set(peer, [...(peers.get(peer) ?? []), entry])
    }
  }
  return [...peers].map(([peer, addresses]) => ({ peer, addresses }))
}

function peerOf(entry: string): string | undefined {
  try {
    return multiaddr(entry)
      .getComponents()
      .findLast(component => component.name === 'p2p')?.value
  } catch {
    return undefined
  }
}
