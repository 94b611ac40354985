import { multiaddr } from '@multiformats/multiaddr'
import type { Issues } from './issues.ts'

/** The addresses that the settings have announced. One that libp2p cannot read would keep it from starting: it is said in the issues and left out. */
export function parseAnnounceList(list: string[], issues: Issues): string[] {
  return list.filter(entry => {
    try {
      multiaddr(entry)
      return true
    } catch {
      issues.report(entry, 'An entry of announceAddrs is not a multiaddr; it is ignored.')
      return false
    }
  })
}
