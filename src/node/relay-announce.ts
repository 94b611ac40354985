import { networkInterfaces } from 'node:os'
import { canonicalOf, placeOf } from './reach.ts'

export interface RelayAnnounce {
  /** What peers are told. */
  addresses: string[]
  warnings: string[]
  /** It listens for everybody, and there is no address at which everybody could find it. */
  nowhere: boolean
}

/** What a relay tells of itself: what its operator announces, else the public addresses of this machine on which it listens. */
export function relayAnnounce(
  { listen, announce }: { listen: string[]; announce: string[] },
  interfaces: typeof networkInterfaces = networkInterfaces
): RelayAnnounce {
  if (announce.length > 0) {
    const near = announce.filter(address => !['global', 'name'].includes(placeOf(address)?.reach ?? ''))
    const warnings = near.map(
      address => `${address} is no public address, so only machines of that network find the relay there.`
    )
    return { addresses: announce, warnings, nowhere: false }
  }
  const hosts = Object.values(interfaces()).flatMap(infos => infos?.map(({ address }) => canonicalOf(address)) ?? [])
  const places = listen.map(address => placesOf(address, hosts))
  const addresses = places.flat().filter(address => placeOf(address)?.reach === 'global')
  if (addresses.length > 0) return { addresses, warnings: [], nowhere: false }
  // Whoever names a private address as the only place to listen means its network, or a test.
  const meant = listen.every(address => !EVERY.test(address))
  const warning = `The relay listens on ${listen.join(' and ')} only, so only machines of that network find it.`
  return { addresses: [], warnings: meant ? [warning] : [], nowhere: !meant }
}

const EVERY = /^\/(?:ip4\/0\.0\.0\.0|ip6\/(?:::|0:0:0:0:0:0:0:0))\//

/** A listen address on each address of this machine that it stands for. */
function placesOf(address: string, hosts: string[]): string[] {
  if (!EVERY.test(address)) return [address]
  const [, family, rest] = /^\/(ip[46])\/[^/]+(\/.*)$/.exec(address) ?? []
  return hosts.filter(host => host.includes(':') === (family === 'ip6')).map(host => `/${family}/${host}${rest}`)
}
