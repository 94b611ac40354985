import type { AutoNATv2Components } from '@libp2p/autonat-v2'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AutoNat } from '../../src/node/autonat.ts'
import { FakeLog } from '../fakes/log.ts'

const ROUND_MS = 5 * 60_000
const ADDRESS = '/ip4/46.0.0.2/tcp/4001'

/** What libp2p's AutoNAT was given. */
const given = vi.hoisted((): { parts?: AutoNATv2Components } => ({}))

vi.mock('@libp2p/autonat-v2', () => ({
  autoNATv2: () => (parts: AutoNATv2Components) => {
    given.parts = parts
    return { client: { dialResults: new Map() } }
  }
}))

const onChange = vi.fn()
let autoNat: AutoNat

beforeEach(async () => {
  vi.useFakeTimers()
  onChange.mockClear()
  autoNat = new AutoNat({ log: new FakeLog(), carries: () => true, onChange }, { on: true })
  const services = await autoNat.services()
  const announced = { multiaddr: multiaddr(ADDRESS), type: 'announce', verified: true, expires: Number.MAX_VALUE }
  services.autoNat?.({
    registrar: {},
    connectionManager: { isDialable() {}, openConnection() {}, getConnections() {}, getMaxConnections() {} },
    addressManager: { getAddressesWithMetadata: () => [announced] }
  } as unknown as AutoNATv2Components)
  const times = services.autoNatTimes?.() as { start(): void }
  times.start()
})

afterEach(() => {
  vi.useRealTimers()
})

const verdict = () => autoNat.verdicts([ADDRESS])[0]?.verdict
const isAsked = () => given.parts?.addressManager.getAddressesWithMetadata()[0]?.expires === 0
const succeeds = () => given.parts?.addressManager.confirmObservedAddr(multiaddr(ADDRESS))

it('an announced address that was reached is asked about again in time, and is not known any more after an hour', () => {
  expect(isAsked()).toBe(true)
  succeeds()
  expect([verdict(), isAsked()]).toEqual(['reachable', false])
  vi.advanceTimersByTime(6 * ROUND_MS)
  expect([verdict(), isAsked()]).toEqual(['reachable', true])
  succeeds()
  expect([verdict(), isAsked()]).toEqual(['reachable', false])
  vi.advanceTimersByTime(11 * ROUND_MS)
  expect(verdict()).toBe('reachable')
  expect(onChange).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(ROUND_MS)
  expect(verdict()).toBe('unknown')
  expect(onChange).toHaveBeenCalledTimes(2)
})

it('what was found is forgotten in another network, and said', () => {
  succeeds()
  given.parts?.addressManager.removeObservedAddr(multiaddr(ADDRESS))
  expect(verdict()).toBe('unreachable')
  autoNat.forget()
  expect([verdict(), isAsked()]).toEqual(['unknown', true])
  succeeds()
  autoNat.forget()
  expect([verdict(), isAsked()]).toEqual(['unknown', true])
  expect(onChange).toHaveBeenCalledTimes(5)
})
