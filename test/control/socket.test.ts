import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectControl, controlSocketPath, listenControl } from '../../src/control/socket.ts'

let dir: string
const closing: (() => Promise<void>)[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mesh-control-'))
  mkdirSync(join(dir, 'libp2p'))
})

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await rm(dir, { recursive: true })
})

const PEER = {
  instanceId: 'a@b',
  peerId: null,
  name: 'a',
  trust: 'paired',
  path: null,
  rttMs: null,
  lastSeenAt: null,
  queued: 0
}

async function serve(peers: () => Promise<unknown>): Promise<void> {
  const server = await listenControl(controlSocketPath(dir), { peers })
  closing.push(() => server.close())
}

/** However the connection ends: a reset is as good as a goodbye. */
async function closed(socket: Socket): Promise<void> {
  socket.on('error', () => socket.destroy())
  await new Promise<void>(resolve => socket.once('close', () => resolve()))
}

describe('the control socket', () => {
  it('answers a client with the result of the method', async () => {
    await serve(async () => [PEER])
    const client = await connectControl(dir)
    await expect(client.call('peers', {})).resolves.toEqual([PEER])
    await client.close()
  })

  it('refuses a result that is not of the shape of the method', async () => {
    await serve(async () => [{ ...PEER, trust: 'very' }])
    const client = await connectControl(dir)
    await expect(client.call('peers', {})).rejects.toThrow(/trust/)
    await client.close()
  })

  it('says not_running where nobody serves', async () => {
    await expect(connectControl(dir)).rejects.toMatchObject({ code: 'not_running' })
  })

  it('drops a client that sends a line without end or no JSON, and serves the others', async () => {
    await serve(async () => [PEER])
    const endless = connect(controlSocketPath(dir))
    endless.write('x'.repeat(600 * 1024))
    await closed(endless)
    const noise = connect(controlSocketPath(dir))
    noise.write('{"t":\n')
    await closed(noise)
    const client = await connectControl(dir)
    await expect(client.call('peers', {})).resolves.toHaveLength(1)
    await client.close()
  })

  it('ends although a client neither reads its answer nor hangs up', async () => {
    const asked = Promise.withResolvers<void>()
    const server = await listenControl(controlSocketPath(dir), {
      peers: async () => {
        asked.resolve()
        return 'x'.repeat(4 * 1024 * 1024)
      }
    })
    const idle = connect({ path: controlSocketPath(dir), allowHalfOpen: true })
    idle.on('error', () => idle.destroy())
    await new Promise<void>(resolve => idle.once('connect', () => resolve()))
    idle.pause()
    idle.write('{"t":"call","id":1,"method":"peers","params":{}}\n')
    await asked.promise
    await expect(server.close()).resolves.toBeUndefined()
    idle.destroy()
  })

  it('fits the path limit of sockets for any state directory', () => {
    const deep = join('/', ...Array.from({ length: 30 }, () => 'very-long-name'))
    expect(Buffer.byteLength(controlSocketPath(deep))).toBeLessThanOrEqual(103)
    expect(controlSocketPath(deep)).not.toBe(controlSocketPath(`${deep}x`))
    expect(controlSocketPath(deep, 'win32')).toMatch(/^\\\\\.\\pipe\\/)
  })
})
