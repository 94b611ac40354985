import type { Connection, Stream } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it, vi } from 'vitest'
import { AutoNatRequests } from '../../src/node/autonat-requests.ts'
import { Gate } from '../../src/node/gate.ts'
import { HOSTILE, OWN_INTERFACES, privateAddresses } from './hostile-addresses.ts'

const HOST = '45.0.0.9'
const ADMITTED = 'admitted'

/** What libp2p asks before a dial, whoever wants it. */
const gate = new Gate(
  { ownAddresses: () => [], interfaces: () => OWN_INTERFACES },
  { listenAddrs: ['/ip4/0.0.0.0/tcp/0'], settings: [] }
)

/** What of these addresses would be dialled when this peer, at this address, names them. */
async function dialled(
  requests: AutoNatRequests,
  addresses: string[],
  { peer = 'stranger', from = `/ip4/${HOST}/tcp/5000` } = {}
): Promise<string[]> {
  const manager = requests.guarded({
    isDialable: async (address: Multiaddr) => gate.passes(address.toString()),
    openConnection: async () => Promise.reject(new Error('not here')),
    getConnections: () => [],
    getMaxConnections: () => 100
  } as unknown as Parameters<AutoNatRequests['guarded']>[0])
  const good: string[] = []
  const handler = requests.bounded(async () => {
    for (const address of addresses) if (await manager.isDialable(multiaddr(address))) good.push(address)
  })
  const stream = { abort: vi.fn() } as unknown as Stream
  await handler(stream, { remotePeer: { toString: () => peer }, remoteAddr: multiaddr(from) } as unknown as Connection)
  return good
}

const create = (): AutoNatRequests => new AutoNatRequests({ carries: peer => peer === ADMITTED })

describe('S-16: by AutoNAT', () => {
  it('a stranger has itself dialled, and nobody else', async () => {
    const own = `/ip4/${HOST}/tcp/4001`
    expect(await dialled(create(), [own])).toEqual([own])
    expect(await dialled(create(), ['/ip4/46.0.0.9/tcp/4001', '/ip6/2a00::9/tcp/4001'])).toEqual([])
  })

  it('whom the owner let in has public addresses of its own dialled', async () => {
    const other = '/ip6/2a00::9/tcp/4001'
    expect(await dialled(create(), [other], { peer: ADMITTED })).toEqual([other])
  })

  it.each(['stranger', ADMITTED])('nothing that leads inwards or nowhere is dialled for one who is: %s', async peer => {
    const hostile = [...HOSTILE, ...privateAddresses(4_001)].filter(isMultiaddr)
    expect(hostile.length).toBeGreaterThan(50)
    // Each in a question of its own, so that none is left out for being one too many.
    for (const address of hostile) expect(await dialled(create(), [address], { peer })).toEqual([])
  })

  it('nothing is dialled for a peer behind a relay, whose address is that of the relay', async () => {
    const from = `/ip4/${HOST}/tcp/4001/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp/p2p-circuit`
    expect(await dialled(create(), [`/ip4/${HOST}/tcp/4001`], { from })).toEqual([])
  })

  it('S-12: four addresses are dialled for a question, eight for a peer in a minute, and thirty for all strangers', async () => {
    const requests = create()
    const ports = Array.from({ length: 500 }, (_, number) => `/ip4/${HOST}/tcp/${4_001 + number}`)
    expect(await dialled(requests, ports)).toHaveLength(4)
    expect(await dialled(requests, ports)).toHaveLength(4)
    expect(await dialled(requests, ports)).toHaveLength(0)
    let all = 8
    for (let number = 0; number < 100; number++)
      all += (await dialled(requests, ports, { peer: `peer-${number}` })).length
    expect(all).toBe(30)
    // What strangers use up is missing to nobody whom the owner let in.
    expect(await dialled(requests, ports, { peer: ADMITTED })).toHaveLength(4)
    for (const { size, max } of requests.gauges()) expect(size).toBeLessThanOrEqual(max)
    requests.clear()
    expect(await dialled(requests, ports)).toHaveLength(4)
  })
})

function isMultiaddr(address: string): boolean {
  try {
    multiaddr(address)
    return true
  } catch {
    return false
  }
}
