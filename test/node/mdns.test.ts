import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Logger } from '@libp2p/interface'
import type { MulticastDNSComponents } from '@libp2p/mdns'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { type Answer, decode, encode } from 'dns-packet'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Mdns, type MdnsInit } from '../../src/node/mdns.ts'
import type { MdnsTrouble } from '../../src/node/mdns-trouble.ts'
import { freeUdpPort } from './free-port.ts'
import { type LogLine, logInto } from './test-node.ts'

const TAG = '_libp2p-mesh-test._udp.local'
const GROUP = '224.0.0.251'
const eventually = { timeout: 10_000, interval: 10 }
const LOOK_MS = 50

const stops: (() => unknown)[] = []
let port: number

beforeEach(async () => {
  port = await freeUdpPort()
})

afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

interface Tested {
  mdns: Mdns
  peer: string
  seen: { peer: string; addresses: string[] }[]
  troubles: (MdnsTrouble | undefined)[]
  /** What libp2p itself would have heard of. */
  told: string[]
  log: LogLine[]
}

/** mDNS on loopback alone, at a port of this test. */
async function tested(addresses: string[] = [], group: MdnsInit['group'] = {}): Promise<Tested> {
  const [seen, troubles, told, log]: [Tested['seen'], Tested['troubles'], string[], LogLine[]] = [[], [], [], []]
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  const events = {
    seen: (id: string, at: string[]) => seen.push({ peer: id, addresses: at }),
    trouble: (trouble: MdnsTrouble | undefined) => troubles.push(trouble)
  }
  const mdns = new Mdns(
    { log: logInto(log), events },
    { serviceTag: TAG, loopback: true, group: { port, lookMs: LOOK_MS, ...group } }
  )
  const own = (addresses.length > 0 ? addresses : ['/ip4/127.0.0.1/tcp/4001']).map(at => multiaddr(`${at}/p2p/${peer}`))
  const quiet = Object.assign(() => undefined, { error: () => undefined, trace: () => undefined }) as unknown as Logger
  const components = { addressManager: { getAddresses: () => own }, logger: { forComponent: () => quiet } }
  const create = await mdns.module()
  const module = create(components as unknown as MulticastDNSComponents)
  module.addEventListener('peer', event => told.push(event.detail.id.toString()))
  stops.push(() => mdns.stop())
  return { mdns, peer, seen, troubles, told, log }
}

interface Heard {
  data: Buffer
  from: RemoteInfo
}

/** Somebody else in the group, with all that comes there. */
async function neighbour(at = port): Promise<{ socket: Socket; heard: Heard[] }> {
  const heard: Heard[] = []
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.on('message', (data, from) => heard.push({ data, from }))
  socket.bind(at)
  await once(socket, 'listening')
  socket.addMembership(GROUP, '127.0.0.1')
  socket.setMulticastInterface('127.0.0.1')
  stops.push(() => socket.close())
  return { socket, heard }
}

const query = (id = 0): Buffer => encode({ type: 'query', id, questions: [{ name: TAG, type: 'PTR' }] })
const isAnswer = ({ data }: Heard): boolean => decode(data).type === 'response'
const textsOf = (heard: Heard | undefined): string[] =>
  (heard ? decode(heard.data).answers : [])?.flatMap(answer => (answer.type === 'TXT' ? [`${answer.data}`] : [])) ?? []

function answerOf(addresses: string[]): Buffer {
  const name = `somebody.${TAG}`
  const pointer: Answer = { name: TAG, type: 'PTR', ttl: 120, data: name }
  const texts = addresses.map((address): Answer => ({ name, type: 'TXT', ttl: 120, data: `dnsaddr=${address}` }))
  return encode({ type: 'response', answers: [pointer, ...texts] })
}

describe('mDNS', () => {
  it('two find each other, and libp2p remembers no address that was merely said', async () => {
    const [one, other] = [await tested(['/ip4/127.0.0.1/tcp/1001']), await tested(['/ip4/127.0.0.1/tcp/1002'])]
    await one.mdns.start()
    await other.mdns.start()
    await vi.waitFor(() => {
      expect(one.seen[0]).toEqual({ peer: other.peer, addresses: [`/ip4/127.0.0.1/tcp/1002/p2p/${other.peer}`] })
      expect(other.seen[0]).toEqual({ peer: one.peer, addresses: [`/ip4/127.0.0.1/tcp/1001/p2p/${one.peer}`] })
    }, eventually)
    expect([...one.told, ...other.told]).toEqual([])
    expect([one, other].flatMap(({ peer, seen }) => seen.filter(sighting => sighting.peer === peer))).toEqual([])
  })

  it('S-29: says the addresses that lie in the network where it says them, and no more than fit into one frame', async () => {
    const many = Array.from({ length: 50 }, (_, i) => `/ip4/127.0.0.1/tcp/${5_000 + i}`)
    const { mdns } = await tested(['/ip4/192.168.77.7/tcp/4001', '/ip4/10.1.2.3/tcp/4001', ...many])
    const { heard } = await neighbour()
    await mdns.start()
    await vi.waitFor(() => expect(heard.some(isAnswer)).toBe(true), eventually)
    const [answer] = heard.filter(isAnswer)
    const texts = textsOf(answer)
    expect(texts.length).toBeGreaterThan(4)
    for (const text of texts) expect(text).toMatch(/^dnsaddr=\/ip4\/127\.0\.0\.1\/tcp\/50\d\d\/p2p\//)
    expect(answer?.data.length).toBeLessThanOrEqual(1_400)
  })

  it('says nothing where it has no address', async () => {
    const { mdns } = await tested(['/ip4/192.168.77.7/tcp/4001'])
    const { heard, socket } = await neighbour()
    await mdns.start()
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(1), eventually)
    socket.send(query(), port, GROUP)
    await new Promise(resolve => setTimeout(resolve, 600))
    expect(heard.filter(isAnswer)).toEqual([])
  })

  it('answers who asks from another port there, with its id', async () => {
    const { mdns, peer } = await tested()
    await mdns.start()
    const { socket, heard } = await neighbour(0)
    socket.send(query(4711), port, GROUP)
    await vi.waitFor(() => expect(heard).toHaveLength(1), eventually)
    const [answer] = heard
    expect(decode(answer?.data ?? Buffer.alloc(0))).toMatchObject({ type: 'response', id: 4711 })
    expect(textsOf(answer)).toEqual([`dnsaddr=/ip4/127.0.0.1/tcp/4001/p2p/${peer}`])
  })

  it('D-36: a thousand queries get a few answers', async () => {
    const { mdns } = await tested()
    const { heard, socket } = await neighbour()
    await mdns.start()
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 50; j++) socket.send(query(), port, GROUP)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(heard.filter(isAnswer).length).toBeGreaterThan(0)
    expect(heard.filter(isAnswer).length).toBeLessThan(8)
  })

  it('S-16: passes on eight addresses of a peer at most, and only those of neighbours', async () => {
    const { mdns, seen } = await tested()
    await mdns.start()
    const { socket } = await neighbour()
    const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    const named = ['/ip4/8.8.8.8/tcp/443', '/dns4/localhost/tcp/22', '/ip4/10.0.0.1/tcp/22']
    for (let i = 0; i < 20; i++) named.push(`/ip4/127.0.0.${i + 1}/tcp/${4_000 + i}`)
    socket.send(answerOf(named.map(address => `${address}/p2p/${peer}`)), port, GROUP)
    await vi.waitFor(() => expect(seen).toHaveLength(1), eventually)
    expect(seen[0]?.peer).toBe(peer)
    expect(seen[0]?.addresses).toEqual(named.slice(3, 11).map(address => `${address}/p2p/${peer}`))
  })

  it('openclaw#69693: no packet ends it, whatever is in it', async () => {
    const { mdns, seen, log } = await tested()
    await mdns.start()
    const { socket } = await neighbour()
    const label = Buffer.from(`\x12${TAG.split('.')[0]}\x04_udp\x05local\x00`)
    const parts = fc.array(
      fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constant(label), fc.constant(query().subarray(0, 12))),
      {
        maxLength: 12
      }
    )
    const packets = fc.oneof(
      parts.map(list => Buffer.concat(list)),
      fc
        .tuple(fc.constantFrom(query(), answerOf(['/ip4/127.0.0.1/tcp/1'])), fc.nat(), fc.nat(255))
        .map(([packet, at, byte]) => {
          const changed = Buffer.from(packet)
          changed[at % changed.length] = byte
          return changed
        })
    )
    const lists = fc.array(packets, { minLength: 1, maxLength: 20 })
    const send = async (list: Buffer[]): Promise<void> => {
      for (const packet of list) socket.send(packet, port, GROUP)
      await new Promise(setImmediate)
    }
    await fc.assert(fc.asyncProperty(lists, send), { numRuns: 150 })
    await new Promise(resolve => setTimeout(resolve, 2 * LOOK_MS))
    const friend = await tested()
    await friend.mdns.start()
    await vi.waitFor(() => expect(seen.map(({ peer }) => peer)).toContain(friend.peer), eventually)
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('what is wrong with mDNS', () => {
  const last = ({ troubles }: Tested): MdnsTrouble | undefined => troubles.at(-1)

  it('is nothing where it works', async () => {
    const node = await tested()
    await node.mdns.start()
    await vi.waitFor(() => expect(node.troubles.length).toBeGreaterThan(5), eventually)
    expect(node.troubles.filter(trouble => trouble !== undefined)).toEqual([])
  })

  it('S1.70: is the network as long as there is none, or none can be asked for', async () => {
    let interfaces: typeof networkInterfaces = () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' })
    }
    const node = await tested([], { interfaces: () => interfaces() })
    await node.mdns.start()
    expect(last(node)).toEqual({ kind: 'failed', code: 'EACCES' })
    interfaces = () => ({})
    await vi.waitFor(() => expect(last(node)).toEqual({ kind: 'no_network' }), eventually)
    interfaces = networkInterfaces
    await vi.waitFor(() => expect(last(node)).toBe(undefined), eventually)
    const friend = await tested()
    await friend.mdns.start()
    await vi.waitFor(() => expect(node.seen.map(({ peer }) => peer)).toContain(friend.peer), eventually)
  })

  it('S1.70: is the port while another program keeps it; meanwhile it asks from another one', async () => {
    const holder = createSocket('udp4').bind(port)
    await once(holder, 'listening')
    const node = await tested()
    await node.mdns.start()
    expect(last(node)).toEqual({ kind: 'port_taken' })
    await new Promise<void>(resolve => holder.close(resolve))
    await vi.waitFor(() => expect(last(node)).toBe(undefined), eventually)
  })

  it('S1.70: is a flood; reading stops until it may be over', async () => {
    const node = await tested([], { lookMs: 60_000 })
    await node.mdns.start()
    const { socket } = await neighbour()
    for (let i = 0; last(node)?.kind !== 'flooded' && i < 500; i++) {
      for (let j = 0; j < 50; j++) socket.send('x', port, GROUP)
      await new Promise(setImmediate)
    }
    expect(last(node)).toEqual({ kind: 'flooded' })
  })
})
