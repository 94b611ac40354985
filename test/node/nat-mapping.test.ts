import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import type { Connection } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it, vi } from 'vitest'
import { NatMapping } from '../../src/node/nat-mapping.ts'
import { DialledPorts } from '../../src/node/nat-mapping-ports.ts'

const PEER = '/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'

const interfaces = () => ({
  v0: [
    {
      address: '46.0.0.2',
      netmask: '255.255.255.0',
      family: 'IPv4' as const,
      mac: '00:00:00:00:00:00',
      internal: false,
      cidr: '46.0.0.2/24'
    }
  ]
})

let nowMs = 0
const clock = { monotonicMs: () => nowMs }

/** What somebody there says about where a connection of ours comes from. */
const told = (by: string, seen: string | undefined, direction: 'inbound' | 'outbound' = 'outbound') => ({
  connection: { remoteAddr: multiaddr(by), direction } as Connection,
  observedAddr: (seen === undefined ? undefined : multiaddr(seen)) as Multiaddr
})

function mappingAfter(...sights: ReturnType<typeof told>[]): NatMapping {
  const mapping = new NatMapping({ interfaces, clock })
  for (const sight of sights) mapping.heard(sight)
  return mapping
}

describe('what the router makes of our connections', () => {
  it('is not known by one who told, nor by two who see other ports of other sockets', () => {
    const [one, two] = [
      told('/ip4/45.0.0.9/tcp/4001', '/ip4/47.0.0.1/tcp/5000'),
      told('/ip4/48.0.0.9/tcp/4001', '/ip4/47.0.0.1/tcp/6000')
    ]
    expect(mappingAfter().state()).toEqual({ kind: 'unknown', seen: [] })
    expect(mappingAfter(one).state()).toEqual({ kind: 'unknown', seen: ['/ip4/47.0.0.1/tcp/5000'] })
    expect(mappingAfter(one, two).state().kind).toBe('unknown')
  })

  it('is nothing where the address is that of an interface', () => {
    const own = told('/ip4/45.0.0.9/tcp/4001', `/ip4/46.0.0.2/tcp/5000${PEER}`)
    expect(mappingAfter(own).state()).toEqual({ kind: 'none', seen: ['/ip4/46.0.0.2/tcp/5000'] })
  })

  it('is the same for all, or different in the address alone where two say so', () => {
    const first = told('/ip4/45.0.0.9/tcp/4001', '/ip4/47.0.0.1/tcp/5000')
    const second = told('/ip4/48.0.0.9/tcp/1', '/ip4/47.0.0.1/tcp/5000')
    const [other, another] = [
      told('/ip4/49.0.0.9/tcp/1', '/ip4/47.0.0.2/tcp/5000'),
      told('/ip4/50.0.0.9/tcp/1', '/ip4/47.0.0.3/tcp/5000')
    ]
    const kindAfter = (...sights: ReturnType<typeof told>[]) => mappingAfter(...sights).state().kind
    expect(kindAfter(first, second)).toBe('same')
    expect(kindAfter(first, other)).toBe('unknown')
    expect(kindAfter(first, second, other)).toBe('same')
    expect(kindAfter(first, other, another)).toBe('different')
    expect(kindAfter(first, second, told('/ip4/49.0.0.9/tcp/1', '/ip4/47.0.0.1/tcp/7'))).toBe('same')
  })

  it('is different where the ports that two see are not ours, and not for one who says so', () => {
    const portTo = vi.spyOn(DialledPorts.prototype, 'portTo').mockImplementation((_, port) => port + 1_000)
    const kindAfter = (...seen: number[]) => {
      const sights = seen.map((port, index) =>
        told(`/ip4/45.0.0.${index + 1}/tcp/${4_000 + index}`, `/ip4/47.0.0.1/tcp/${port}`)
      )
      return mappingAfter(...sights).state().kind
    }
    // From here they come from port 5000, 5001, 5002.
    expect(kindAfter(5_000, 5_001, 5_002)).toBe('same')
    expect(kindAfter(5_000, 5_001, 7_000)).toBe('same')
    expect(kindAfter(5_000, 7_000)).toBe('unknown')
    expect(kindAfter(6_000, 7_000)).toBe('different')
    expect(kindAfter(5_000, 6_000, 7_000)).toBe('different')
    portTo.mockRestore()
  })

  it('is forgotten after an hour, and when this machine is elsewhere', () => {
    const sights = [
      told('/ip4/45.0.0.9/tcp/4001', '/ip4/47.0.0.1/tcp/5000'),
      told('/ip4/48.0.0.9/tcp/4001', '/ip4/47.0.0.1/tcp/5000')
    ]
    const [aged, moved] = [mappingAfter(...sights), mappingAfter(...sights)]
    nowMs += 3_599_000
    expect(aged.state().kind).toBe('same')
    moved.forget()
    expect(moved.state()).toEqual({ kind: 'unknown', seen: [] })
    nowMs += 1_000
    expect(aged.state()).toEqual({ kind: 'unknown', seen: [] })
  })

  it('is not told by the own network, through a relay, by who dialled us, or with an address that is none', () => {
    const seen = '/ip4/47.0.0.1/tcp/5000'
    const mapping = mappingAfter(
      told('/ip4/192.168.1.7/tcp/4001', seen),
      told(`/ip4/45.0.0.9/tcp/4001${PEER}/p2p-circuit`, seen),
      told('/ip4/45.0.0.9/tcp/4001', seen, 'inbound'),
      told('/ip4/45.0.0.9/tcp/4001', undefined),
      told('/ip4/45.0.0.9/tcp/4001', '/ip4/192.168.1.7/tcp/5000')
    )
    expect(mapping.state()).toEqual({ kind: 'unknown', seen: [] })
  })

  it('S-12: is not remembered for more than sixteen', () => {
    const mapping = new NatMapping({ interfaces, clock })
    for (let number = 1; number <= 200; number++)
      mapping.heard(told(`/ip4/45.0.0.${number}/tcp/4001`, `/ip4/47.0.0.1/tcp/${5_000 + number}`))
    expect(mapping.state().seen).toHaveLength(16)
    expect(mapping.state().seen.at(-1)).toBe('/ip4/47.0.0.1/tcp/5200')
  })
})

it('the ports of connections that go out are known as long as they are there', async () => {
  const ports = new DialledPorts()
  ports.start()
  const server = createServer(socket => socket.resume())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  await new Promise(resolve => socket.once('connect', resolve))
  expect(ports.portTo('127.0.0.1', port)).toBe(socket.localPort)
  socket.destroy()
  await expect.poll(() => ports.portTo('127.0.0.1', port)).toBeUndefined()
  ports.stop()
  await new Promise(resolve => server.close(resolve))
})
