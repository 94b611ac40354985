import type { CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import type { Transport } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import type { Reservations } from './reservations.ts'
import type { Switches } from './switches.ts'

/** As many as there are slots to ask for: the transport drops what waits for its turn when one was granted. */
const RESERVATIONS_AT_ONCE = 8

/** A relay answers at once, or it has trouble. */
const RESERVATION_MS = 5_000

// biome-ignore lint/suspicious/noExplicitAny: libp2p gives each transport all of its parts, and each asks for others
type TransportMaker = (components: any) => Transport

/** The transports that the settings ask for; the code of the others is not even loaded. */
export async function transportsOf(
  { reservations }: { reservations: Reservations },
  init: { switches: Switches; socketIdleMs: number }
): Promise<TransportMaker[]> {
  const { switches, socketIdleMs } = init
  const made: TransportMaker[] = [
    tcp({ inboundSocketInactivityTimeout: socketIdleMs, outboundSocketInactivityTimeout: socketIdleMs })
  ]
  if (switches.webSocket) {
    const { webSockets } = await import('@libp2p/websockets')
    made.push(webSockets())
  }
  if (switches.relayClient) {
    const { circuitRelayTransport } = await import('@libp2p/circuit-relay-v2')
    const make = circuitRelayTransport({
      reservationConcurrency: RESERVATIONS_AT_ONCE,
      reservationCompletionTimeout: RESERVATION_MS
    })
    made.push((components: CircuitRelayTransportComponents) => reservations.transport(make, components))
  }
  return made
}
