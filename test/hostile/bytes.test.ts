import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it, vi } from 'vitest'
import { framed, writeMessage } from '../vectors/reference/wire.mjs'
import { LINK, PAIR } from './attacker.ts'
import { portOf, type Scene, useScene } from './scene.ts'

const WAIT = { timeout: 15_000, interval: 20 }
const RSS_MAX_MIB = 64

/** A stream that is read on although its bytes are nobody's would end by its deadline, after 10 s. */
const RESET_MAX_MS = 5_000

let scene: Scene
useScene(created => {
  scene = created
})

const hash = Buffer.alloc(32)
const receipt = { id: Buffer.alloc(16), attempt: 1, hash, level: 1 }

function nested(depth: number): Buffer {
  let bytes = Buffer.alloc(0)
  for (let level = 0; level < depth; level++) bytes = Buffer.concat([Buffer.of(0x12), framed(bytes)])
  return bytes
}

const MALFORMED: [string, Uint8Array][] = [
  ['a length of 0', Buffer.of(0)],
  ['a length of 65,537', Buffer.of(0x81, 0x80, 0x04)],
  ['a length of 2^53', Buffer.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10)],
  ['a length of -1', Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)],
  ['a length that is longer than it need be', Buffer.of(0x81, 0x00, 0x01)],
  ['64 KiB of nothing', framed(Buffer.alloc(65_536))],
  ['64 KiB by chance', framed(Buffer.concat([Buffer.of(0xff), randomBytes(65_535)]))],
  ['an envelope of nothing', framed(Buffer.of(0x12, 0))],
  ['an envelope in envelopes', framed(nested(10_000))],
  ['a field past the end', framed(Buffer.of(0x12, 0xff, 0xff, 0x03, 1))],
  [
    'a path of 13',
    framed(
      writeMessage('Frame', { envelope: { signed: Buffer.of(1), sig: Buffer.alloc(64), path: Array(13).fill(hash) } })
    )
  ],
  ['513 receipts', framed(writeMessage('Frame', { receipts: { receipts: Array(513).fill(receipt) } }))],
  [
    'a second hello',
    framed(
      writeMessage('Frame', {
        hello: { version: 1, maxFrameBytes: 65_536, epoch: Buffer.alloc(8), timeMs: 1, admitted: true }
      })
    )
  ]
]

it('S-09: what is no frame ends the stream at once, is logged and counted, and costs no memory', async () => {
  const before = scene.rssMiB()
  for (const [what, bytes] of MALFORMED) {
    const { mallory, link } = await scene.paired()
    link.raw(bytes)
    const late = new Promise(resolve => setTimeout(() => resolve('still read'), RESET_MAX_MS).unref())
    expect([what, await Promise.race([link.ended, late])]).toEqual([what, 'reset'])
    const line = await vi.waitFor(() => {
      const found = scene.log().find(each => each.includes(`peer=${mallory.peerId}`) && each.includes('code='))
      expect(found).toBeDefined()
      return found
    }, WAIT)
    expect(line).toMatch(/code=(frame_too_large|frame_malformed|envelope_malformed|receipt_malformed) strikes=1$/)
    await mallory.stop()
    await scene.victim.call('forget', { who: mallory.peerId })
  }
  const { mallory: stubborn } = await scene.paired()
  for (let count = 0; count < 7; count++) {
    const link = await stubborn.link(scene.victim.node).catch(() => undefined)
    link?.raw(Buffer.of(0))
    if (link !== undefined) expect(await link.ended).not.toBe('open')
  }
  const strikes = scene.log().filter(line => line.includes(`peer=${stubborn.peerId}`) && line.includes('strikes='))
  expect(strikes).toHaveLength(5)
  const stranger = await scene.attacker()
  for (const bytes of [Buffer.of(0), Buffer.of(0x81, 0x20), framed(randomBytes(4_096))])
    expect(await stranger.askRaw(scene.victim.node, bytes)).toBe('reset')
  expect(scene.rssMiB() - before).toBeLessThan(RSS_MAX_MIB)
})

it('S-33: no bytes, at no layer, end the process or hold it up', async () => {
  const { victim, honest } = scene
  const port = portOf(victim.node)
  const openings = [
    Buffer.alloc(0),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    randomBytes(1_024),
    Buffer.from('\u0013/multistream/1.0.0\n\u0007/noise\n', 'latin1'),
    Buffer.concat([Buffer.from('\u0013/multistream/1.0.0\n\u0007/noise\n', 'latin1'), randomBytes(4_096)]),
    Buffer.concat([
      Buffer.from('\u0013/multistream/1.0.0\n\u000b/tls/1.0.0\n', 'latin1'),
      Buffer.of(0x16, 3, 1, 0xff, 0xff),
      randomBytes(512)
    ]),
    Buffer.concat(Array(2_000).fill(Buffer.from('\u0003na\n', 'latin1')))
  ]
  for (let round = 0; round < 5; round++) {
    for (const bytes of openings) {
      const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.2.${1 + round}` })
      socket.on('error', () => undefined)
      await Promise.race([once(socket, 'connect'), once(socket, 'close')])
      socket.write(bytes)
      if (round % 2 === 0) socket.resetAndDestroy()
      else socket.end()
    }
  }
  const { mallory, link } = await scene.paired()
  const protocols = [LINK, PAIR, '/ipfs/id/1.0.0', '/ipfs/ping/1.0.0', '/meshsub/1.2.0', '/meshsub/1.0.0']
  for (const protocol of protocols) {
    for (let round = 0; round < 6; round++) {
      const stream = await mallory.stream(victim.node, protocol).catch(() => undefined)
      if (stream === undefined || stream.status !== 'open') continue
      stream.addEventListener('message', () => undefined)
      const bytes = randomBytes(1 + round * 700)
      try {
        stream.send(round % 2 === 0 ? bytes : framed(bytes))
        if (round % 3 === 0) stream.abort(new Error('gone'))
        else await stream.close()
      } catch {
        // The other side was quicker to end it.
      }
    }
  }
  for (const connection of mallory.libp2p.getConnections()) connection.abort(new Error('gone'))
  expect(await link.ended).not.toBe('open')
  for (const message of ['again', 'and again']) {
    const startMs = performance.now()
    await honest.call('send', { target: victim.node.peerId, text: message, waitFor: 'delivered', timeoutMs: 10_000 })
    expect(performance.now() - startMs).toBeLessThan(2_000)
  }
  expect(scene.log().filter(line => /unhandled|uncaught|TypeError|RangeError/.test(line))).toEqual([])
})
