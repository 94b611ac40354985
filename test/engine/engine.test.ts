import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { statusSchema } from '../../src/control/methods.ts'
import { connectControl, controlSocketPath } from '../../src/control/socket.ts'
import { type Engine, startEngine } from '../../src/engine/index.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { optionsFor, stateDirectory, testHost } from './options.ts'

interface Running extends ReturnType<typeof testHost> {
  engine: Engine
  status(): Promise<ReturnType<typeof statusSchema.parse>>
  stop(): Promise<void>
}

async function start(stateDir: string): Promise<Running> {
  const own = testHost()
  const end = new AbortController()
  const engine = await startEngine(optionsFor(stateDir), own.host, { signal: end.signal })
  const stop = async (): Promise<void> => {
    end.abort()
    await engine.ended
  }
  onTestFinished(stop)
  return { ...own, engine, stop, status: async () => statusSchema.parse(await engine.call('status', {})) }
}

/** Whether anybody accepts connections at this loopback multiaddr. */
async function listens(address: string | undefined): Promise<boolean> {
  const port = Number(/\/tcp\/(\d+)/.exec(address ?? '')?.[1])
  const socket = connect({ port, host: '127.0.0.1' })
  return await new Promise(resolve => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  }).then(up => {
    socket.destroy()
    return up === true
  })
}

describe('the engine', () => {
  it('S1.64: starts without anybody there, says so, and answers its methods and the control socket', async () => {
    const dir = stateDirectory()
    const { status, log, events } = await start(dir)
    const report = await status()
    expect(report).toMatchObject({ version: '1.2.3', peers: 0, issues: [], pendingSettings: ['relayList'] })
    expect(report.instanceId).toMatch(/^tester@/)
    expect(log.at('info')).toContain(`Node started. Peer ID: ${report.peerId}`)
    expect(events).toEqual([
      { type: 'ready', peerId: report.peerId, instanceId: report.instanceId, addresses: report.addresses }
    ])
    const client = await connectControl(dir)
    await expect(client.call('status', {})).resolves.toMatchObject({ peerId: report.peerId })
    await client.close()
  })

  it('refuses what it does not know with bad_request', async () => {
    const { engine } = await start(stateDirectory())
    for (const [method, params] of [
      ['toString', {}],
      ['shutdown', {}],
      ['send', { target: 'bob' }],
      ['send', 'bob'],
      ['message', { id: 'x' }]
    ] as const)
      await expect(engine.call(method, params), method).rejects.toMatchObject({ code: 'bad_request' })
  })

  it('R-11: refuses a second start on the same directory and names the first; the first goes on', async () => {
    const dir = stateDirectory()
    const { status } = await start(dir)
    await expect(
      startEngine(optionsFor(dir), testHost().host, { signal: new AbortController().signal })
    ).rejects.toMatchObject({
      code: 'state_locked',
      details: { detail: expect.stringContaining('the test') }
    })
    await expect(status()).resolves.toMatchObject({ version: '1.2.3' })
  })

  it('R-18: leaves nothing behind after its stop, and is the same instance after the next start', async () => {
    const dir = stateDirectory()
    const first = await start(dir)
    const { peerId, instanceId, addresses } = await first.status()
    expect(await listens(addresses[0])).toBe(true)
    await first.stop()
    expect(existsSync(controlSocketPath(dir))).toBe(false)
    expect(await listens(addresses[0])).toBe(false)
    await expect(connectControl(dir)).rejects.toMatchObject({ code: 'not_running' })
    const second = await start(dir)
    await expect(second.status()).resolves.toMatchObject({ peerId, instanceId })
  })

  it('stopped while it starts, it gives up and leaves the directory free', async () => {
    const dir = stateDirectory()
    await expect(
      startEngine(optionsFor(dir), testHost().host, { signal: AbortSignal.abort(new Error('stopped')) })
    ).rejects.toThrow('stopped')
    await start(dir)
  })
})

describe('a call that its caller was not told of', () => {
  const bob = new FakeInstance('bob')
  const call = { target: bob.peer, text: 'only once', idempotencyKey: 'k', keyUntilTold: true }

  it('keeps its key when the engine stops or the bridge breaks, and gives it up when the caller aborts or is told', async () => {
    const dir = stateDirectory()
    const first = await start(dir)
    await first.engine.call('approve', { who: bob.peer })

    const stopped = first.engine.call('send', { ...call, timeoutMs: 60_000 })
    await expect.poll(async () => (await first.status()).outbox.waiting).toBe(1)
    await first.stop()
    const { id } = (await stopped) as { id: string }

    const { engine } = await start(dir)
    const broken = new AbortController()
    const cut = engine.call('send', { ...call, timeoutMs: 60_000 }, { signal: broken.signal })
    setTimeout(() => broken.abort(new MeshError('engine_down')), 50)
    await expect(cut).rejects.toMatchObject({ code: 'aborted', details: { id } })

    const given = new AbortController()
    const up = engine.call('send', { ...call, timeoutMs: 60_000 }, { signal: given.signal })
    setTimeout(() => given.abort(new MeshError('aborted')), 50)
    await expect(up).rejects.toMatchObject({ code: 'aborted', details: { id } })

    const next = (await engine.call('send', { ...call, timeoutMs: 0 })) as { id: string; repeated: boolean }
    expect(next).toMatchObject({ repeated: false, level: 'pending' })
    expect(next.id).not.toBe(id)
    await expect(engine.call('send', { ...call, timeoutMs: 0 })).resolves.toMatchObject({ repeated: false })
  })
})
