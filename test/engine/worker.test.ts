import { MessageChannel } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ENGINE_START, ENGINE_STOP, serveHost } from '../../src/control/bridge.ts'
import { portChannel } from '../../src/control/port-channel.ts'
import { Rpc } from '../../src/control/rpc.ts'
import { serveWorker } from '../../src/engine/worker.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { optionsFor, stateDirectory, testHost } from './options.ts'

/** The engine behind a message channel, as in its thread, with a host at the other end. */
function behindPort(stateDir: string) {
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  serveWorker(port2, { options: optionsFor(stateDir), shape: { agent: false, display: false } })
  const own = testHost()
  const rpc: Rpc = new Rpc({ channel: portChannel(port1) }, { handlers: serveHost(own.host, () => rpc) })
  return { ...own, rpc }
}

describe("the engine's thread", () => {
  it('starts, answers, reports to its host and stops, each when asked', async () => {
    const { rpc, log, events } = behindPort(stateDirectory())
    await rpc.call(ENGINE_START, {})
    const status = (await rpc.call('status', {})) as { peerId: string }
    expect(log.at('info')).toContain(`Node started. Peer ID: ${status.peerId}`)
    expect(events).toMatchObject([{ type: 'ready', peerId: status.peerId }])
    await rpc.call(ENGINE_STOP, {})
    await expect(rpc.call('send', { target: 'x', text: 'y' })).rejects.toMatchObject({ name: 'MeshError' })
  })

  it('tells who waits for a level what is true, and then stops', async () => {
    const { rpc } = behindPort(stateDirectory())
    const bob = new FakeInstance('bob')
    await rpc.call(ENGINE_START, {})
    await rpc.call('approve', { who: bob.peer })
    const waiting = rpc.call('send', { target: bob.peer, text: 'x', waitFor: 'answered', timeoutMs: 60_000 })
    await expect
      .poll(async () => ((await rpc.call('status', {})) as { outbox: { waiting: number } }).outbox.waiting)
      .toBe(1)
    await rpc.call(ENGINE_STOP, {})
    await expect(waiting).resolves.toMatchObject({ level: 'pending' })
  })

  it('R-11: a refused start is an error of the call, and the stop still answers', async () => {
    const dir = stateDirectory()
    const first = behindPort(dir)
    await first.rpc.call(ENGINE_START, {})
    const second = behindPort(dir)
    await expect(second.rpc.call(ENGINE_START, {})).rejects.toMatchObject({ code: 'state_locked' })
    await expect(second.rpc.call('status', {})).rejects.toMatchObject({ code: 'state_locked' })
    await second.rpc.call(ENGINE_STOP, {})
    await first.rpc.call(ENGINE_STOP, {})
  })

  it('stops without having been started', async () => {
    const { rpc } = behindPort(stateDirectory())
    await expect(rpc.call(ENGINE_STOP, {})).resolves.toBeUndefined()
  })
})
