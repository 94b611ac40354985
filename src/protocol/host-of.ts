/** Whose share a connection takes: the address; of IPv6 its /64, which one machine has to itself. What is relayed comes from its relay. */
export function hostOf(address: string): string {
  const v6 = /^\/ip6\/([^/]+)/.exec(address)?.[1]
  if (v6 === undefined) return /^\/[^/]+\/[^/]+/.exec(address)?.[0] ?? address
  const [head = '', tail] = v6.split('::')
  const left = head.split(':').filter(group => group !== '')
  const right = (tail ?? '').split(':').filter(group => group !== '')
  const middle = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...middle, ...right].slice(0, 4).join(':')
}
