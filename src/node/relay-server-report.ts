import type { Spent } from './relay-server-meter.ts'

/** Why this relay ended a circuit. */
export type Ending = Spent | 'revoked'

export type RelayRefusal = 'not admitted' | 'full' | 'no reservation' | Spent

/** What a relay's owner may want to see as it happens. */
export type RelayEvent =
  | { event: 'reservation'; peer: string; state: 'made' | 'renewed' | 'ended'; reason?: string }
  | { event: 'refused'; what: 'reservation'; peer: string; reason: RelayRefusal }
  | { event: 'refused'; what: 'circuit'; peer: string; holder: string; reason: RelayRefusal }
  | { event: 'circuit'; state: 'ended'; peer: string; holder: string; bytes: number; reason: Ending }

/** Why this relay ended a circuit, for people. */
export const ENDINGS: Readonly<Record<Ending, string>> = {
  day: 'this relay has carried all that it may today',
  holder: 'the peer that was called has used up its day',
  dialler: 'the peer that called has used up its day',
  strangers: 'strangers have used up their part of the day',
  revoked: 'one of the two was shut out'
}
