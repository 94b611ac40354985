import type { Path } from '../../src/mesh/ports.ts'
import { apart, island, type Place, type Side, together } from './place.ts'
import { UPNP_DAEMON } from './upnp-daemon.ts'

export interface Row {
  readonly name: string
  /** What is between each and the other. */
  readonly a: string
  readonly b: string
  /** Programs of this machine that it needs. */
  readonly needs: string[]
  /** How the two may be connected in the end. */
  readonly paths: Path[]
  /** The relay goes away and comes back while they talk. */
  readonly restartsRelay: boolean
  build(): Promise<Place>
}

const STRAIGHT: Path[] = ['direct']
const RELAYED: Path[] = ['relayed']
/** A relay today; a hole through both routers is there for whoever makes it. */
const PUNCHABLE: Path[] = ['relayed', 'direct']

function between(a: Side, b: Side, paths: Path[], more: Partial<Row> = {}): Row {
  const upnp = [a, b].includes('upnp')
  return {
    name: `${a}-${b}`,
    a,
    b,
    needs: upnp ? ['iptables', 'iptables-legacy', UPNP_DAEMON] : ['iptables'],
    paths,
    restartsRelay: false,
    build: () => apart(a, b),
    ...more
  }
}

/** Every pair of places that the laboratory has. */
export const ROWS: readonly Row[] = [
  between('none', 'none', STRAIGHT),
  between('none', 'cone', STRAIGHT),
  between('cone', 'cone', PUNCHABLE),
  between('cone', 'restricted', PUNCHABLE),
  between('cone', 'symmetric', RELAYED),
  between('symmetric', 'symmetric', RELAYED),
  between('rst', 'cone', PUNCHABLE),
  between('upnp', 'cone', STRAIGHT),
  between('double', 'cone', PUNCHABLE),
  between('cone', 'cone', ['lan'], { name: 'same-nat', build: () => together('cone') }),
  between('none', 'none', ['lan'], { name: 'no-internet', needs: [], build: island }),
  between('cone', 'cone', PUNCHABLE, { name: 'relay-restart', restartsRelay: true })
]
