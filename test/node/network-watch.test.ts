import type { NetworkInterfaceInfo } from 'node:os'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { NetworkWatch } from '../../src/node/network-watch.ts'
import { ownInterfaces } from '../../src/node/own-interfaces.ts'

const at = (address: string): NetworkInterfaceInfo => ({
  ...{ address, netmask: '255.255.255.0', family: 'IPv4', mac: '00:00:00:00:00:00', internal: false, cidr: null }
})

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function watched(): {
  changes: string[]
  machine: { lan: NetworkInterfaceInfo[]; wallMs: number }
  watch: NetworkWatch
} {
  const changes: string[] = []
  const machine = { lan: [at('192.168.5.7')], wallMs: 0 }
  const watch = new NetworkWatch({
    interfaces: () => ({ eth0: machine.lan }),
    wallMs: () => machine.wallMs + performance.now(),
    onChange: change => changes.push(change)
  })
  watch.start()
  return { changes, machine, watch }
}

it('R-14: tells of other addresses within two seconds, and of none when they are the same', async () => {
  const { changes, machine, watch } = watched()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(changes).toEqual([])
  machine.lan = [at('10.0.0.3')]
  await vi.advanceTimersByTimeAsync(2_000)
  expect(changes).toEqual(['addresses'])
  machine.lan = []
  await vi.advanceTimersByTimeAsync(5_000)
  expect(changes).toEqual(['addresses', 'addresses'])
  watch.stop()
  machine.lan = [at('10.0.0.4')]
  await vi.advanceTimersByTimeAsync(5_000)
  expect(changes).toHaveLength(2)
})

it('takes containers, link-local addresses and a moment of disorder for no change, and a system that does not say for no answer', async () => {
  const changes: string[] = []
  let machine: NodeJS.Dict<NetworkInterfaceInfo[]> = { eth0: [at('192.168.5.7')] }
  let mute = false
  const watch = new NetworkWatch({
    interfaces: ownInterfaces(() => {
      if (mute) throw new Error('EACCES')
      return machine
    }),
    wallMs: () => performance.now(),
    onChange: change => changes.push(change)
  })
  watch.start()
  machine = {
    ...machine,
    docker0: [at('172.17.0.1')],
    veth12: [at('172.18.0.1')],
    eth1: [at('fe80::1'), at('169.254.3.3')]
  }
  await vi.advanceTimersByTimeAsync(5_000)
  for (let number = 0; number < 20; number++) {
    machine = { ...machine, wlan0: [at(`10.0.0.${number}`)] }
    await vi.advanceTimersByTimeAsync(1_000)
  }
  mute = true
  await vi.advanceTimersByTimeAsync(1_000)
  expect(changes.length).toBeLessThanOrEqual(1)
  mute = false
  watch.stop()
})

it('R-13: tells that the machine slept, by the clock on the wall, and takes a short delay for none', async () => {
  const { changes, machine } = watched()
  await vi.advanceTimersByTimeAsync(3_000)
  machine.wallMs += 5_000
  await vi.advanceTimersByTimeAsync(3_000)
  expect(changes).toEqual([])
  machine.wallMs += 3_600_000
  await vi.advanceTimersByTimeAsync(3_000)
  expect(changes).toEqual(['woke'])
})
