import type { RelayUsage } from '../mesh/ports.ts'

/** What `libp2p-mesh relay --json` prints, one JSON document a line. */
export type RelayLine =
  | { event: 'ready'; peerId: string; addresses: string[] }
  | { event: 'reservation'; peer: string; state: 'made' | 'renewed' | 'ended'; reason?: string }
  | { event: 'refused'; what: 'reservation' | 'circuit'; peer: string; holder?: string; reason: string }
  | { event: 'circuit'; state: 'ended'; peer: string; holder: string; bytes: number; reason: string }
  | ({ event: 'usage' } & RelayUsage)

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'] as const
const UNIT = 1024

/** The same for people. */
export function relayText(line: RelayLine): string {
  switch (line.event) {
    case 'ready':
      return [`The relay runs as ${line.peerId}. Put this into relayList on the other side:`, ...line.addresses].join(
        '\n  '
      )
    case 'reservation':
      return `${line.peer} ${STATES[line.state]}${line.reason === undefined ? '' : ` (${line.reason})`}.`
    case 'refused':
      return line.what === 'reservation'
        ? `Refused a reservation to ${line.peer}: ${line.reason}.`
        : `Refused to connect ${line.peer} to ${line.holder}: ${line.reason}.`
    case 'circuit':
      return `Ended the connection of ${line.peer} to ${line.holder} after ${size(line.bytes)}: ${line.reason}.`
    case 'usage':
      return `Reservations ${line.reservations.used} of ${line.reservations.max}, connections ${line.circuits}, today ${size(line.today.bytes)}, refused ${line.refused.reservations} reservations and ${line.refused.circuits} connections.`
  }
}

const STATES = {
  made: 'holds a reservation',
  renewed: 'renewed its reservation',
  ended: 'lost its reservation'
} as const

function size(bytes: number): string {
  let [value, unit] = [bytes, 0]
  for (; value >= UNIT && unit < UNITS.length - 1; unit++) value /= UNIT
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}
