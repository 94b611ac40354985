import { expect, it } from 'vitest'
import { type RelayLine, relayText } from '../../src/standalone/relay-lines.ts'

it.each<[RelayLine, string]>([
  [
    { event: 'ready', peerId: '12D3A', addresses: ['/ip4/9.9.9.9/tcp/1/p2p/12D3A', '/ip6/2a01::1/tcp/1/p2p/12D3A'] },
    'The relay runs as 12D3A. Put this into relayList on the other side:\n  /ip4/9.9.9.9/tcp/1/p2p/12D3A\n  /ip6/2a01::1/tcp/1/p2p/12D3A'
  ],
  [{ event: 'reservation', peer: '12D3B', state: 'made' }, '12D3B holds a reservation.'],
  [{ event: 'reservation', peer: '12D3B', state: 'renewed' }, '12D3B renewed its reservation.'],
  [{ event: 'reservation', peer: '12D3B', state: 'ended', reason: 'gone' }, '12D3B lost its reservation (gone).'],
  [
    { event: 'refused', what: 'reservation', peer: '12D3B', reason: 'not admitted' },
    'Refused a reservation to 12D3B: not admitted.'
  ],
  [
    { event: 'refused', what: 'circuit', peer: '12D3B', holder: '12D3C', reason: 'full' },
    'Refused to connect 12D3B to 12D3C: full.'
  ],
  [
    { event: 'circuit', state: 'ended', peer: '12D3B', holder: '12D3C', bytes: 1_610_612_736, reason: 'holder' },
    'Ended the connection of 12D3B to 12D3C after 1.5 GiB: holder.'
  ],
  [
    {
      event: 'usage',
      reservations: { used: 3, max: 256 },
      circuits: 2,
      today: { bytes: 900, peers: [] },
      refused: { reservations: 4, circuits: 5 }
    },
    'Reservations 3 of 256, connections 2, today 900 bytes, refused 4 reservations and 5 connections.'
  ]
])('a relay says for people: %j', (line, text) => {
  expect(relayText(line)).toBe(text)
})
