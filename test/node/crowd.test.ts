import type { Connection } from '@libp2p/interface'
import { beforeEach, expect, it } from 'vitest'
import { Crowd } from '../../src/node/crowd.ts'
import { logInto } from './test-node.ts'

interface Fake {
  connection: Connection
  ended: () => boolean
}

let crowd: Crowd
let welcome: Set<string>
let open: Fake[]

beforeEach(() => {
  welcome = new Set()
  open = []
  crowd = new Crowd(
    {
      welcome: peer => welcome.has(peer),
      connectionsOf: peer =>
        open
          .filter(fake => !fake.ended() && `${fake.connection.remotePeer}` === peer)
          .map(({ connection }) => connection),
      log: logInto([])
    },
    { max: 6, perHostMax: 3 }
  )
})

function comes(peer: string, address: string, direction: 'inbound' | 'outbound' = 'inbound'): Fake {
  let ended = false
  const end = (): void => {
    ended = true
  }
  const connection = {
    remotePeer: { toString: () => peer },
    remoteAddr: { toString: () => address },
    direction,
    status: 'open',
    close: async () => end(),
    abort: end
  } as unknown as Connection
  const fake = { connection, ended: () => ended }
  open.push(fake)
  crowd.opened(connection)
  return fake
}

const staying = (): string[] => open.filter(fake => !fake.ended()).map(({ connection }) => `${connection.remotePeer}`)

it('S-11: past its share of one address the oldest stranger of that address goes', () => {
  comes('other', '/ip4/10.0.0.9/tcp/1')
  for (const peer of ['a', 'b', 'c', 'd']) comes(peer, '/ip4/10.0.0.1/tcp/1')
  expect(staying()).toEqual(['other', 'b', 'c', 'd'])
  expect(crowd.gauges()).toMatchObject([{ size: 4, max: 6 }])
})

it('S-11: an IPv6 machine is one address, however many it has', () => {
  for (let host = 1; host <= 5; host++) comes(`${host}`, `/ip6/2a00:1:2:3::${host}/tcp/1`)
  comes('neighbour', '/ip6/2a00:1:2:4::1/tcp/1')
  expect(staying()).toEqual(['3', '4', '5', 'neighbour'])
})

it('S-11: past the share of all the oldest stranger goes, wherever it came from', () => {
  for (let host = 0; host < 9; host++) comes(`${host}`, `/ip4/10.0.0.${host}/tcp/1`)
  expect(staying()).toEqual(['3', '4', '5', '6', '7', '8'])
})

it('S-11: whom the owner let in, whom we dialled and who was let in since are not counted', () => {
  welcome.add('friend')
  comes('friend', '/ip4/10.0.0.1/tcp/1')
  comes('dialled', '/ip4/10.0.0.1/tcp/1', 'outbound')
  const early = comes('early', '/ip4/10.0.0.1/tcp/1')
  welcome.add('early')
  crowd.forget(early.connection)
  for (let number = 0; number < 10; number++) comes(`${number}`, '/ip4/10.0.0.1/tcp/1')
  expect(staying()).toEqual(['friend', 'dialled', 'early', '7', '8', '9'])
})

it('S-11: one peer has four connections at most', () => {
  welcome.add('friend')
  for (let number = 0; number < 6; number++) comes('friend', `/ip4/10.0.0.${number}/tcp/1`)
  expect(staying()).toHaveLength(4)
})
