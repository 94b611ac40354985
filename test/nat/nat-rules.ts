/**
 * What a router does with connections, apart from giving the network behind it one address:
 *
 * | kind | port outside | from outside comes in |
 * |---|---|---|
 * | `cone` | the one inside, whoever is written to | answers only; anything else is dropped |
 * | `restricted` | the same | also other ports of whoever was written to |
 * | `symmetric` | another for each connection | answers only |
 * | `rst` | as `cone` | answers only; anything else is refused, so that its sender hears of it |
 * | `upnp` | as `cone` | also to the ports that the network behind asked for |
 */
export type Nat = 'cone' | 'restricted' | 'symmetric' | 'rst' | 'upnp'

/** A router whose customers are routers has the network that is kept for that (RFC 6598), a home the one that most homes have. */
export const HOME = '192.168.1'
export const CARRIER = '100.64.0'

/** One rule: the arguments of `iptables`. `lan` and `wan` are the interfaces. */
type Rule = string[]

/** Where miniupnpd writes what it was asked for. */
export const UPNP_CHAIN = 'MINIUPNPD'
const UPNP_SOURCE_CHAIN = 'MINIUPNPD-POSTROUTING'

/** @param first the first host behind the router */
export function rulesOf(nat: Nat, first: string): Rule[] {
  return [...(nat === 'upnp' ? UPNP : []), ...(nat === 'restricted' ? restricted(first) : []), ...common(nat)].map(
    rule => rule.split(' ')
  )
}

function common(nat: Nat): string[] {
  const refuse = '-A INPUT -i wan -p tcp -j REJECT --reject-with tcp-reset'
  return [
    `-t nat -A POSTROUTING -o wan -j MASQUERADE${nat === 'symmetric' ? ' --random-fully' : ''}`,
    '-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
    '-A FORWARD -i lan -o wan -j ACCEPT',
    // Some kernels ask these rules about what only passes the switch, too.
    '-A FORWARD -i lan -o lan -j ACCEPT',
    '-P FORWARD DROP',
    '-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
    '-A INPUT -i lan -j ACCEPT',
    '-A INPUT -i lo -j ACCEPT',
    ...(nat === 'rst' ? [refuse] : []),
    '-P INPUT DROP'
  ]
}

/** Remembers who was written to: whatever comes from there goes to the host behind, to the same port. */
function restricted(first: string): string[] {
  return [
    '-A FORWARD -i lan -o wan -m recent --name written --rdest --set',
    `-t nat -A PREROUTING -i wan -p tcp -m recent --name written --rsource --rcheck -j DNAT --to-destination ${first}`,
    '-A FORWARD -i wan -o lan -m conntrack --ctstate DNAT -j ACCEPT'
  ]
}

const UPNP = [
  `-t nat -N ${UPNP_CHAIN}`,
  `-t nat -A PREROUTING -i wan -j ${UPNP_CHAIN}`,
  `-t nat -N ${UPNP_SOURCE_CHAIN}`,
  `-t nat -A POSTROUTING -o wan -j ${UPNP_SOURCE_CHAIN}`,
  `-N ${UPNP_CHAIN}`,
  `-A FORWARD -i wan ! -o wan -j ${UPNP_CHAIN}`
]
