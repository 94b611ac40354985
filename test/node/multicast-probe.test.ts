import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { NetworkInterfaceInfo } from 'node:os'
import { decode, encode } from 'dns-packet'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { probeMulticast } from '../../src/node/multicast-probe.ts'
import { freeUdpPort } from './free-port.ts'

const TAG = '_libp2p-mesh-probe._udp.local'
const GROUP = '224.0.0.251'
const eventually = { timeout: 10_000, interval: 10 }

/** Without any network the answer comes at once; with one it takes a second. */
const ANSWER_MAX_MS = 5_000

const sockets: Socket[] = []
let port: number

beforeEach(async () => {
  port = await freeUdpPort()
})

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
})

const probe = (init: object = {}, options?: { signal?: AbortSignal }) =>
  probeMulticast({ serviceTag: TAG, loopback: true, port, ...init }, options)

/** Somebody else in the group. */
async function neighbour(): Promise<{ socket: Socket; heard: { data: Buffer; from: RemoteInfo }[] }> {
  const heard: { data: Buffer; from: RemoteInfo }[] = []
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  sockets.push(socket)
  socket.on('message', (data, from) => heard.push({ data, from }))
  socket.bind(port)
  await once(socket, 'listening')
  socket.addMembership(GROUP, '127.0.0.1')
  return { socket, heard }
}

const answer = (): Buffer =>
  encode({ type: 'response', answers: [{ name: TAG, type: 'PTR', ttl: 120, data: `somebody.${TAG}` }] })

const interfaceOf = (address: string, name = 'nowhere0') => ({
  [name]: [
    {
      address,
      netmask: '',
      family: 'IPv4',
      mac: '',
      internal: true,
      cidr: `${address}/8`
    } satisfies NetworkInterfaceInfo
  ]
})

describe('a question to the group of mDNS', () => {
  it('S1.11: is heard where it comes back, and was heard by others too', async () => {
    const { heard } = await neighbour()
    const startMs = performance.now()
    expect(await probe()).toEqual({
      state: 'heard',
      detail: expect.stringMatching(/^A question of ours came back on lo\w*; no other machine answered\.$/)
    })
    expect(performance.now() - startMs).toBeLessThan(ANSWER_MAX_MS)
    const questions = heard.map(({ data }) => decode(data))
    expect(questions.length).toBeGreaterThan(0)
    for (const { type, questions: asked } of questions)
      expect({ type, asked }).toMatchObject({ type: 'query', asked: [{ name: TAG, type: 'PTR' }] })
  })

  it('counts each other machine that answers once, and nothing that is not ours', async () => {
    const { socket, heard } = await neighbour()
    const others = await Promise.all(
      ['127.0.0.2', '127.0.0.3', '127.0.0.3'].map(async address => {
        const other = createSocket({ type: 'udp4', reuseAddr: true })
        sockets.push(other)
        other.bind(0, address)
        await once(other, 'listening')
        other.setMulticastInterface('127.0.0.1')
        return other
      })
    )
    const result = probe()
    await vi.waitFor(() => expect(heard).not.toEqual([]), eventually)
    for (const other of others) other.send(answer(), port, GROUP)
    others[0]?.send(encode({ type: 'response', answers: [] }), port, GROUP)
    socket.send('x', port, GROUP)
    expect((await result).detail).toMatch(/; 2 other machines answered\.$/)
  })

  it('S1.70: is silent where nothing comes back: an interface that is not there', async () => {
    const result = await probe({ interfaces: () => interfaceOf('10.255.254.253') })
    expect(result).toMatchObject({ state: 'silent', detail: expect.stringMatching(/^This machine does not let us/) })
  })

  it('S1.70: says on which of two it was heard, and why not on the other', async () => {
    const interfaces = () => ({ ...interfaceOf('127.0.0.1', 'here0'), ...interfaceOf('10.255.254.253') })
    expect(await probe({ interfaces })).toEqual({
      state: 'heard',
      detail: 'A question of ours came back on here0, not on nowhere0 (EADDRNOTAVAIL); no other machine answered.'
    })
  })

  it('S1.70: is silent while another program keeps the port to itself', async () => {
    const holder = createSocket('udp4').bind(port)
    sockets.push(holder)
    await once(holder, 'listening')
    expect(await probe()).toEqual({ state: 'silent', detail: `Another program keeps UDP port ${port} to itself.` })
  })

  it('S1.70: is silent at once where there is no network, or none may be asked for', async () => {
    const startMs = performance.now()
    expect(await probe({ interfaces: () => ({}) })).toEqual({
      state: 'silent',
      detail: 'This machine has no address on a local network at present.'
    })
    const interfaces = (): never => {
      throw Object.assign(new Error('no'), { code: 'EACCES' })
    }
    expect(await probe({ interfaces })).toMatchObject({ state: 'silent', detail: expect.stringContaining('EACCES') })
    expect(performance.now() - startMs).toBeLessThan(ANSWER_MAX_MS)
  })

  it('ends with its signal', async () => {
    const end = new AbortController()
    const result = probe({}, { signal: end.signal })
    end.abort(new Error('enough'))
    await expect(result).rejects.toThrow('enough')
    await expect(probe({}, { signal: end.signal })).rejects.toThrow('enough')
  })
})
