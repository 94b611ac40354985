import type { Log, RelayUsage } from '../mesh/ports.ts'
import { type RelayEvent, startRelayNode } from '../node/index.ts'
import { type Fingerprint, fingerprintOfPeer } from '../protocol/index.ts'
import { acquireLock, openKeyFile } from '../store/index.ts'
import { systemClock } from './clock.ts'

export { type RelayEvent, relayAnnounce } from '../node/index.ts'

export interface RelayOptions {
  stateDir: string
  listen: string[]
  /** What peers are told; see `relayAnnounce`. */
  announce: string[]
  /** Who may hold a reservation: everybody, or these instances. */
  allow: 'everybody' | Fingerprint[]
  /** Who runs it, for the message that a second process gets. */
  program: string
}

export interface Relay {
  readonly peer: string
  addresses(): string[]
  issues(): string[]
  usage(): RelayUsage
  stop(): Promise<void>
}

/**
 * Runs a relay for others on the key of this state directory: no mesh, no inbox.
 *
 * @throws MeshError `state_locked`, `key_unreadable`, `store_failed`
 */
export async function startRelay(
  { stateDir, listen, announce, allow, program }: RelayOptions,
  host: { log: Log; event(event: RelayEvent): void }
): Promise<Relay> {
  const allowed = new Set<Fingerprint | undefined>(allow === 'everybody' ? [] : allow)
  await using stack = new AsyncDisposableStack()
  const lock = acquireLock(stateDir, { program })
  stack.defer(() => lock.release())
  const key = openKeyFile(stateDir, { log: host.log })
  const node = await startRelayNode(
    { privateKeyProtobuf: key.protobuf, log: host.log, clock: systemClock() },
    {
      listen,
      announce,
      open: allow === 'everybody',
      carries: peer => allow === 'everybody' || allowed.has(fingerprintOfPeer(peer)),
      onEvent: event => host.event(event)
    }
  )
  stack.defer(() => node.stop())
  const started = stack.move()
  return {
    peer: node.peer,
    addresses: () => node.addresses(),
    issues: () => node.issues(),
    usage: () => node.usage(),
    stop: () => started.disposeAsync()
  }
}
