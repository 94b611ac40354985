import type { Connection } from '@libp2p/interface'
import { MeshError } from '../mesh/errors.ts'
import type { AbortOptions, Diagnostics, Netcheck, Path, Reachability, RelayState, RelayUsage } from '../mesh/ports.ts'
import { echo } from './echo.ts'
import { pathOf } from './paths.ts'

/** A ping that takes longer than this is lost. */
const PING_TIMEOUT_MS = 5_000

export interface DiagnosticsComponents {
  /** The connection that messages to this peer take. */
  connectionOf(peer: string): Connection | undefined
  reachability(): Reachability
  relays(): RelayState[]
  relayUsage(): RelayUsage | undefined
  netcheck(options: AbortOptions): Promise<Netcheck>
}

/** The Diagnostics port over what the parts of the node know. */
export class NodeDiagnostics implements Diagnostics {
  readonly #components: DiagnosticsComponents

  constructor(components: DiagnosticsComponents) {
    this.#components = components
  }

  reachability(): Reachability {
    return this.#components.reachability()
  }

  relays(): RelayState[] {
    return this.#components.relays()
  }

  relayUsage(): RelayUsage | undefined {
    return this.#components.relayUsage()
  }

  async netcheck(options: AbortOptions = {}): Promise<Netcheck> {
    return await this.#components.netcheck(options)
  }

  async ping(peer: string, options: AbortOptions = {}): Promise<{ rttMs: number; path: Path; address: string }> {
    const connection = this.#components.connectionOf(peer)
    if (connection === undefined) throw new MeshError('dial_failed', { peer, retryable: true, detail: 'not connected' })
    try {
      const rttMs = await echo(connection, { timeoutMs: PING_TIMEOUT_MS, ...options })
      return { rttMs, path: pathOf(connection), address: connection.remoteAddr.toString() }
    } catch (error) {
      options.signal?.throwIfAborted()
      throw new MeshError('dial_failed', { peer, retryable: true, detail: 'the ping was not answered', cause: error })
    }
  }
}
