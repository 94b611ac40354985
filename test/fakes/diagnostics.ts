import { MeshError } from '../../src/mesh/errors.ts'
import type { Diagnostics, Netcheck, Path, Reachability, RelayState, RelayUsage } from '../../src/mesh/ports.ts'

/** What a test says that the node found out. A ping takes 1 ms where there is a connection. */
export class FakeDiagnostics implements Diagnostics {
  readonly #pathTo: (peer: string) => Path | undefined
  verdict: Reachability = { verdict: 'unknown', reason: 'Nobody outside has been asked yet.' }
  relayStates: RelayState[] = []
  usage: RelayUsage | undefined

  constructor(components: { pathTo: (peer: string) => Path | undefined }) {
    this.#pathTo = components.pathTo
  }

  reachability(): Reachability {
    return this.verdict
  }

  relays(): RelayState[] {
    return this.relayStates
  }

  relayUsage(): RelayUsage | undefined {
    return this.usage
  }

  async ping(peer: string): Promise<{ rttMs: number; path: Path; address: string }> {
    const path = this.#pathTo(peer)
    if (path === undefined) throw new MeshError('dial_failed', { peer, retryable: true, detail: 'not connected' })
    return { rttMs: 1, path, address: `/ip4/127.0.0.1/tcp/4001/p2p/${peer}` }
  }

  async netcheck(): Promise<Netcheck> {
    return {
      listeners: [],
      interfaces: [],
      multicast: { state: 'off', detail: 'mDNS is off.' },
      upnp: { state: 'off', addresses: [], detail: 'UPnP is off.' },
      reachability: this.verdict,
      addresses: [],
      natMapping: { kind: 'unknown', seen: [] },
      relays: this.relayStates,
      ipv6: { global: false, detail: 'No interface has a global IPv6 address.' },
      advice: 'Nothing to do.'
    }
  }
}
