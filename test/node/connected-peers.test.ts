import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { beforeEach, expect, it } from 'vitest'
import { ConnectedPeers } from '../../src/node/connected-peers.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'
import { type LogLine, logInto } from './test-node.ts'

const LAN = '/ip4/10.0.0.2/tcp/4001'
const CIRCUIT = '/ip4/46.0.0.1/tcp/4001/p2p/12D3KooWFWydNNqBD4NFJQSw8BHK8DhxY8Xk64NGQ5eKpc98uK4J/p2p-circuit'

let handler: RecordingHandler
let peers: ConnectedPeers
let open: Connection[]
let lines: LogLine[]
/** What the other parts of the node were told, in order. */
let told: string[]
let carriers: Set<string>
let hasRoom: boolean
let link: Connection | undefined
let openLink: (connection: Connection, signal: AbortSignal) => Promise<void>

beforeEach(() => {
  handler = new RecordingHandler()
  open = []
  lines = []
  told = []
  carriers = new Set()
  hasRoom = true
  link = undefined
  openLink = async ({ remoteAddr }) => void told.push(`open ${remoteAddr}`)
  peers = new ConnectedPeers(
    {
      connectionsOf: peer => open.filter(({ remotePeer }) => `${remotePeer}` === peer),
      gossip: {
        peerUp: async ({ remoteAddr }) => void told.push(`gossip ${remoteAddr}`),
        peerGone: async peer => void told.push(`no gossip ${peer}`)
      },
      carriers: {
        carries: peer => carriers.has(peer),
        closed: ({ remoteAddr }) => void told.push(`carried ${remoteAddr}`)
      },
      crowd: {
        opened: () => hasRoom,
        forget: ({ remoteAddr }) => void told.push(`no stranger ${remoteAddr}`)
      },
      spares: {
        watch: ({ remoteAddr }) => void told.push(`watch ${remoteAddr}`),
        forget: ({ remoteAddr }) => void told.push(`no spare ${remoteAddr}`)
      },
      memory: {
        tag: peer => void told.push(`tag ${peer}`),
        forget: peer => void told.push(`forget ${peer}`)
      },
      bootstrap: { lost: peer => void told.push(`lost ${peer}`) },
      log: logInto(lines)
    },
    { relays: new Set(['listed relay']) }
  )
  peers.start({
    handler,
    links: { connectionOf: () => link, lost: peer => void told.push(`no link ${peer}`) },
    openLink: (connection, signal) => openLink(connection, signal)
  })
})

function connectionTo(peer: string, init: Partial<Connection> & { address?: string; key?: string } = {}): Connection {
  const { address = LAN, key = 'Ed25519', ...rest } = init
  return {
    remotePeer: { type: key, toString: () => peer },
    remoteAddr: multiaddr(address),
    direction: 'inbound',
    status: 'open',
    ...rest
  } as unknown as Connection
}

function comes(peer: string, init: Parameters<typeof connectionTo>[1] = {}): Connection {
  const connection = connectionTo(peer, init)
  open.push(connection)
  peers.opened(connection)
  return connection
}

function goes(connection: Connection): void {
  open = open.filter(each => each !== connection)
  peers.closed(connection)
}

const events = (): string[] => handler.events.map(({ event, peer }) => `${event} ${peer}`)

it('says once that a peer is here, however many connections it has, and once that it is gone', () => {
  const [first, second] = [comes('a'), comes('a', { address: CIRCUIT })]
  expect(events()).toEqual(['connected a'])
  expect(peers.gauges()).toMatchObject([{ name: 'connected peers', size: 1 }])
  goes(first)
  expect(events()).toEqual(['connected a'])
  goes(second)
  expect(events()).toEqual(['connected a', 'disconnected a'])
  expect(told.slice(-4)).toEqual(['forget a', 'lost a', 'no link a', 'no gossip a'])
  expect(peers.gauges()).toMatchObject([{ size: 0 }])
})

it('tells the mesh neither of whom there is no room for nor of other programs that speak libp2p', () => {
  comes('rsa', { key: 'RSA' })
  hasRoom = false
  comes('one too many')
  expect(events()).toEqual([])
  expect(told).toEqual([])
})

it('tells of a relay only where it is admitted or opened a link: it need not be an instance', () => {
  handler.open = false
  handler.admitted.add('friend')
  for (const peer of ['friend', 'carrier']) carriers.add(peer)
  const [listed] = ['listed relay', 'carrier', 'friend'].map(peer => comes(peer))
  expect(events()).toEqual(['connected friend'])
  if (listed !== undefined) peers.tell(listed, { isLink: true })
  expect(events()).toEqual(['connected friend', 'connected listed relay'])
})

it('opens the link over what this node dialled, with those who are admitted', () => {
  handler.open = false
  handler.admitted.add('friend')
  comes('friend')
  comes('stranger', { direction: 'outbound' })
  expect(told.filter(line => line.startsWith('open'))).toEqual([])
  comes('friend', { direction: 'outbound', address: CIRCUIT })
  expect(told.filter(line => line.startsWith('open'))).toEqual([`open ${CIRCUIT}`])
})

it('a link that does not come up is said in the log and is nobody else’s trouble', async () => {
  openLink = async () => {
    throw new Error('away')
  }
  comes('a', { direction: 'outbound' })
  await expect.poll(() => lines).toMatchObject([{ fields: { peer: 'a', code: 'failed' } }])
})

it('a peer with a link is a stranger no more, stays in memory, and hears broadcasts over whatever its link takes', () => {
  const [relayed, straight] = [comes('a', { address: CIRCUIT }), comes('a')]
  told = []
  link = relayed
  peers.linked(relayed)
  expect(told).toEqual([
    `gossip ${CIRCUIT}`,
    ...[CIRCUIT, LAN].flatMap(address => [`watch ${address}`, `no stranger ${address}`]),
    'tag a'
  ])
  link = straight
  told = []
  goes(relayed)
  expect(told).toEqual([`no spare ${CIRCUIT}`, `no stranger ${CIRCUIT}`, `carried ${CIRCUIT}`, `gossip ${LAN}`])
})

it('lists each peer by its link, or else by the best way to it', () => {
  comes('a', { address: CIRCUIT })
  comes('a', { rtt: 3 })
  comes('b', { address: CIRCUIT })
  expect(peers.list()).toEqual([
    { peer: 'a', path: 'lan', address: LAN, linked: false, rttMs: 3 },
    { peer: 'b', path: 'relayed', address: CIRCUIT, linked: false }
  ])
  link = open[0]
  expect(peers.list()[0]).toEqual({ peer: 'a', path: 'relayed', address: CIRCUIT, linked: true })
})

it('at the end everybody is gone, and nobody is told of who comes later', () => {
  comes('a')
  peers.stop()
  comes('b')
  expect(events()).toEqual(['connected a', 'disconnected a'])
  expect(peers.list()).toEqual([])
})
