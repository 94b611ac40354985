import type { NetworkInterfaceInfo } from 'node:os'
import { afterEach, expect, it } from 'vitest'
import { ownInterfaces } from '../../src/node/own-interfaces.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'
import { testNode } from './test-node.ts'

const stops: (() => unknown)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const refuses = (): never => {
  throw Object.assign(new Error('uv_interface_addresses returned EACCES'), { code: 'ERR_SYSTEM_ERROR' })
}

it('are none where the system does not say, and what they last were where it does not say any more', () => {
  const eth0: NetworkInterfaceInfo[] = [
    { address: '192.168.5.7', netmask: '', family: 'IPv4', mac: '', internal: false, cidr: null }
  ]
  let read: () => NodeJS.Dict<NetworkInterfaceInfo[]> = refuses
  const interfaces = ownInterfaces(() => read())
  expect(interfaces()).toEqual({})
  read = () => ({ eth0 })
  expect(interfaces()).toEqual({ eth0 })
  read = refuses
  expect(interfaces()).toEqual({ eth0 })
  read = () => ({})
  expect(interfaces()).toEqual({})
})

it('a node whose system does not say them is reached, says where it is, and checks its network', async () => {
  const ends = []
  for (const interfaces of [refuses, refuses]) {
    const { node } = await testNode({ interfaces })
    await node.start(new RecordingHandler())
    stops.push(() => node.stop())
    ends.push(node)
  }
  const [one, other] = ends
  if (one === undefined || other === undefined) throw new Error('there are two')
  const addresses = other.addresses()
  expect(addresses).toHaveLength(1)
  expect(one.dialable(addresses, 'ticket')).toEqual(addresses)
  await one.connect(other.peer, addresses)
  expect(await one.diagnostics.netcheck()).toMatchObject({ interfaces: [], natMapping: { kind: 'unknown' } })
})
