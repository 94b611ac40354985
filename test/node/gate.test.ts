import type { NetworkInterfaceInfo } from 'node:os'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AddressSource } from '../../src/mesh/ports.ts'
import { Gate } from '../../src/node/gate.ts'
import { edgeAddresses, HOSTILE, OWN_INTERFACES, OWN_V6, ownAddresses, privateAddresses } from './hostile-addresses.ts'

const PEER = '12D3KooWFWydNNqBD4NFJQSw8BHK8DhxY8Xk64NGQ5eKpc98uK4J'
const SOURCES: AddressSource[] = ['ticket', 'record', 'neighbour', 'stranger']

const lan = (address: string, prefix: number): NetworkInterfaceInfo => ({
  address,
  netmask: '',
  family: 'IPv4',
  mac: '00:00:00:00:00:00',
  internal: address.startsWith('127.'),
  cidr: `${address}/${prefix}`
})
const interfaces = () => ({ lo: [lan('127.0.0.1', 8)], eth0: [lan('192.168.1.2', 24)] })

function gateOf(init: { listenAddrs?: string[]; settings?: string[] } = {}): Gate {
  return new Gate(
    { ownAddresses: () => [`/ip4/192.168.1.2/tcp/4001/p2p/${PEER}`, '/ip4/9.9.9.9/tcp/4001'], interfaces },
    { listenAddrs: ['/ip4/0.0.0.0/tcp/4001'], settings: [], ...init }
  )
}

describe('S-16: who may send us where', () => {
  it.each([
    ['/ip4/8.8.8.8/tcp/4001', ['ticket', 'record', 'stranger']],
    ['/ip4/8.8.8.8/tcp/443', ['ticket', 'record', 'stranger']],
    ['/ip4/8.8.8.8/tcp/443/tls/ws', ['ticket', 'record', 'stranger']],
    ['/ip6/2a00:1450:4001::8a/tcp/4001', ['ticket', 'record', 'stranger']],
    [`/ip4/8.8.8.8/tcp/4001/p2p/${PEER}/p2p-circuit`, ['ticket', 'record', 'stranger']],
    ['/ip4/192.168.1.7/tcp/4001', ['ticket', 'record', 'neighbour']],
    [`/ip4/192.168.1.7/tcp/4001/p2p/${PEER}/p2p-circuit`, ['ticket', 'record']],
    ['/ip4/192.168.2.7/tcp/4001', ['ticket']],
    ['/ip4/100.64.0.9/tcp/4001', ['ticket']],
    ['/ip6/fd12:3456::7/tcp/4001', ['ticket']],
    ['/ip4/8.8.8.8/tcp/22', []],
    ['/ip4/192.168.1.7/tcp/80', []],
    ['/ip4/127.0.0.1/tcp/4001', []],
    // Another port of this machine: no peer names it, but two instances may share a machine.
    ['/ip4/192.168.1.2/tcp/8080', ['ticket', 'neighbour']],
    // A circuit's socket goes to its relay: what this machine serves is no relay for others to name.
    [`/ip4/192.168.1.2/tcp/8080/p2p/${PEER}/p2p-circuit`, ['ticket']],
    ['/ip4/192.168.1.255/tcp/4001', []],
    ['/ip4/192.168.1.0/tcp/4001', []],
    ['/ip4/10.1.255.255/tcp/4001', ['ticket']],
    ['/dns4/relay.example.org/tcp/4001', []],
    // Our own sockets, whoever says so; a relay on the same machine is not us.
    [`/ip4/192.168.1.2/tcp/4001/p2p/${PEER}`, []],
    ['/ip4/9.9.9.9/tcp/4001', []],
    ['/ip4/9.9.9.9/tcp/4002', ['ticket', 'record', 'stranger']],
    [`/ip4/9.9.9.9/tcp/4001/p2p/${PEER}/p2p-circuit`, []]
  ])('%s: %j', (address, sources) => {
    const gate = gateOf()
    expect(SOURCES.filter(source => gate.dialable([address], source).length > 0)).toEqual(sources)
  })

  it('this machine is this machine however its address is written, and so are our own sockets', () => {
    const own = `/ip6/${OWN_V6[0]}/tcp/4001`
    const gate = new Gate(
      { ownAddresses: () => [own], interfaces: () => OWN_INTERFACES },
      { listenAddrs: ['/ip6/::/tcp/4001'], settings: [] }
    )
    const sources = (address: string) => SOURCES.filter(source => gate.allows(address, source))
    expect(OWN_V6.length).toBeGreaterThan(3)
    for (const address of ownAddresses(8_080))
      expect([address, sources(address)]).toEqual([address, ['ticket', 'neighbour']])
    for (const host of OWN_V6) expect([host, sources(`/ip6/${host}/tcp/4001`)]).toEqual([host, []])
    for (const address of edgeAddresses(4_001)) expect([address, sources(address)]).toEqual([address, []])
    for (const address of [...ownAddresses(8_080), own]) expect(gate.passes(address)).toBe(false)
    expect(sources('/ip6/2a01:4f8:0:0::2/tcp/4001')).toEqual(SOURCES)
    // A dial of ours to what mDNS or a ticket named.
    const { addresses, end } = gate.permit([...ownAddresses(8_080), own, ...edgeAddresses(4_001), ...HOSTILE])
    expect(addresses).toEqual(ownAddresses(8_080))
    end()
  })

  it('circuits go through whatever relay the settings name, themselves or at the beginning of a circuit', () => {
    const [named, whole] = [`/dns4/relay.example.org/tcp/443/p2p/${PEER}`, `/ip4/10.9.9.8/tcp/4001/p2p/${PEER}`]
    const through = (relay: string): string => `${relay}/p2p-circuit/p2p/${PEER}`
    expect(gateOf().dialable([through(named), through(whole)], 'record')).toEqual([])
    const gate = gateOf({ settings: [named, through(whole)] })
    const all = [named, whole, through(named), through(whole)]
    expect(gate.dialable(all, 'record')).toEqual(all)
  })

  it('the owner may name names, low ports and this machine, but nothing that is never anybody', () => {
    const settings = ['/dns4/relay.example.org/tcp/443', '/ip4/10.9.9.9/tcp/80', '/ip4/127.0.0.1/tcp/4009']
    const gate = gateOf({ settings: settings.map(address => `${address}/p2p/${PEER}`) })
    expect(gate.dialable(settings, 'stranger')).toEqual(settings)
    expect(gate.dialable(['/dns4/relay.example.org/tcp/444'], 'ticket')).toEqual([])
    const metadata = '/ip4/169.254.169.254/tcp/80'
    expect(gateOf({ settings: [metadata] }).dialable([metadata], 'ticket')).toEqual([])
  })

  it.each(SOURCES)('who listens on loopback alone may be sent there, by %s', source => {
    const alone = gateOf({ listenAddrs: ['/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0'] })
    expect(alone.dialable(['/ip4/127.0.0.1/tcp/4001'], 'ticket')).toHaveLength(1)
    const both = gateOf({ listenAddrs: ['/ip4/127.0.0.1/tcp/0', '/ip4/192.168.1.2/tcp/0'] })
    expect(both.dialable(['/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4001'], source)).toEqual([])
    expect(gateOf({ listenAddrs: [] }).dialable(['/ip4/127.0.0.1/tcp/4001'], source)).toEqual([])
  })

  it.each(SOURCES)('none of the 200 hostile addresses is anywhere to go, as said by %s', source => {
    expect(HOSTILE.length).toBeGreaterThanOrEqual(200)
    expect(new Set(HOSTILE).size).toBe(HOSTILE.length)
    const gate = gateOf()
    expect(gate.dialable(HOSTILE, source)).toEqual([])
    const others = privateAddresses(4_001)
    expect(gate.dialable(others, source)).toEqual(source === 'ticket' ? others : [])
  })

  it('no text whatever makes it throw, or lets through what has no literal host and port', () => {
    const gate = gateOf()
    const part = fc.constantFrom(
      'ip4',
      'ip6',
      'tcp',
      'dns4',
      '127.0.0.1',
      '::1',
      '8.8.8.8',
      '4001',
      '0',
      'p2p',
      'p2p-circuit',
      PEER,
      ''
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 12 }).map(parts => `/${parts.join('/')}`)
    )
    const check = (address: string): void => {
      for (const source of SOURCES) {
        if (!gate.allows(address, source)) continue
        expect(address).toMatch(/^\/ip4\/8\.8\.8\.8\/tcp\/4001(?:\/p2p\/[^/]+)?(?:\/p2p-circuit(?:\/p2p\/[^/]+)?)?$/)
      }
    }
    fc.assert(fc.property(text, check), { numRuns: 5_000 })
  })
})

it('S-12: permits end with their dials, and there is a bound to them', () => {
  const gate = gateOf()
  const addresses = Array.from({ length: 2_000 }, (_, port) => `/ip4/8.8.8.8/tcp/${2_000 + port}`)
  const [one, other] = [gate.permit(addresses), gate.permit(addresses.slice(0, 1))]
  const { size, max } = gate.gauges()[0] ?? { size: 0, max: 0 }
  expect([one.addresses.length, size]).toEqual([max, max])
  one.end()
  one.end()
  other.end()
  expect(gate.gauges()).toMatchObject([{ size: 0 }])
})
