import type { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { relayAnnounce } from '../../src/node/relay-announce.ts'

const LISTEN = ['/ip4/0.0.0.0/tcp/4001', '/ip6/::/tcp/4001/ws']

const machine =
  (...addresses: string[]): typeof networkInterfaces =>
  () => ({ eth0: addresses.map(address => ({ address }) as never) })

describe('what a relay tells of itself', () => {
  it('is each public address of its machine, with the port that it listens on there', () => {
    const interfaces = machine('127.0.0.1', '10.0.0.5', '9.9.9.9', 'fe80::1', '2a01:4f8:0:1::2')
    expect(relayAnnounce({ listen: LISTEN, announce: [] }, interfaces)).toEqual({
      addresses: ['/ip4/9.9.9.9/tcp/4001', '/ip6/2a01:4f8:0:1::2/tcp/4001/ws'],
      warnings: [],
      nowhere: false
    })
  })

  it('is nothing on a machine behind a router, until somebody announces where it is found', () => {
    const interfaces = machine('127.0.0.1', '192.168.1.2')
    expect(relayAnnounce({ listen: LISTEN, announce: [] }, interfaces)).toMatchObject({ addresses: [], nowhere: true })
    const announce = ['/dns4/relay.example.org/tcp/4001', '/ip4/9.9.9.9/tcp/4001']
    expect(relayAnnounce({ listen: LISTEN, announce }, interfaces)).toEqual({
      addresses: announce,
      warnings: [],
      nowhere: false
    })
  })

  it('may be a private address, with a warning', () => {
    const announce = ['/ip4/192.168.1.2/tcp/4001']
    const { addresses, warnings } = relayAnnounce({ listen: LISTEN, announce })
    expect(addresses).toEqual(announce)
    expect(warnings).toEqual([expect.stringMatching(/^\/ip4\/192\.168\.1\.2\/tcp\/4001 is no public address/)])
    expect(relayAnnounce({ listen: ['/ip4/192.168.1.2/tcp/4001'], announce: [] })).toMatchObject({
      addresses: [],
      warnings: [expect.stringMatching(/^The relay listens on \/ip4\/192\.168\.1\.2\/tcp\/4001 only/)],
      nowhere: false
    })
  })
})
