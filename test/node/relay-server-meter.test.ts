import { expect, it } from 'vitest'
import { GATEWAY_RELAY_LIMITS, type RelayLimits } from '../../src/node/relay-server-limits.ts'
import { type Charged, RelayMeter } from '../../src/node/relay-server-meter.ts'

const clock = { wallMs: () => Date.UTC(2026, 0, 1, 12) }
const friends: Charged = { holder: 'holder', dialler: 'dialler', stranger: false }
const meter = (limits: Partial<RelayLimits>) => new RelayMeter({ clock }, { ...GATEWAY_RELAY_LIMITS, ...limits })
const used = (of: RelayMeter) => of.today(() => false)

it('S-14: counts for both ends, and no more than the one with less has left', () => {
  const busy = meter({ peerDayBytes: 100 })
  expect(busy.charge({ ...friends, dialler: 'other' }, 60)).toBeUndefined()
  expect(busy.charge(friends, 1_000)).toBe('holder')
  expect(used(busy).bytes).toBe(100)
  expect(used(busy).peers.map(({ peer, bytes }) => [peer, bytes])).toEqual([
    ['holder', 100],
    ['other', 60],
    ['dialler', 40]
  ])
})

it('S-14: takes nothing back from who used more as a friend than strangers may', () => {
  const busy = meter({ peerDayBytes: 100, strangersDayBytes: 50 })
  expect(busy.charge(friends, 80)).toBeUndefined()
  expect(busy.charge({ ...friends, holder: 'another', stranger: true }, 10)).toBe('dialler')
  expect(used(busy).bytes).toBe(80)
})
