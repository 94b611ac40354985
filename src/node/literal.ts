import { lookup } from 'node:dns/promises'

type Find = (name: string, options: { family: 0 | 4 | 6 }) => Promise<{ address: string; family: number }>

/** The multiaddr with its name looked up: a peer that learns an address from another one may only dial literal ones (S-16). As it is where that fails. */
export async function literalOf(address: string, find: Find = lookup): Promise<string> {
  const [, kind, name, rest] = /^\/(dns|dns4|dns6)\/([^/]+)(\/.*)$/.exec(address) ?? []
  if (kind === undefined || name === undefined) return address
  try {
    const found = await find(name, { family: kind === 'dns6' ? 6 : kind === 'dns4' ? 4 : 0 })
    return `/ip${found.family}/${found.address}${rest}`
  } catch {
    return address
  }
}
