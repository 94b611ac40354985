import { multiaddr } from '@multiformats/multiaddr'
import type { Issues } from './issues.ts'
import { placeOf } from './reach.ts'

/**
 * The addresses that the settings have announced. One that libp2p cannot read would keep it from starting: it is said in the issues and left out. One that
 * means something else in other networks is announced, for peers in its own, and said.
 *
 * @param init `loopback`: this node listens on loopback alone, so it is meant for programs of this machine
 */
export function parseAnnounceList(
  list: string[],
  { issues }: { issues: Issues },
  init: { loopback: boolean }
): string[] {
  return list.filter(entry => {
    try {
      multiaddr(entry)
    } catch {
      issues.report(entry, 'An entry of announceAddrs is not a multiaddr; it is ignored.')
      return false
    }
    const reach = placeOf(entry)?.reach
    if (reach === 'private' || (reach === 'loopback' && !init.loopback))
      issues.report(
        entry,
        `An entry of announceAddrs, ${entry}, is no public address: peers outside its network cannot reach it; announce the public one, or nothing.`
      )
    return true
  })
}
