import { MessageChannel } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bridgeToHost, type HostPorts, type HostShape, serveHost } from '../../src/control/bridge.ts'
import { portChannel } from '../../src/control/port-channel.ts'
import { Rpc } from '../../src/control/rpc.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import type { MeshEvent } from '../../src/mesh/events.ts'
import type { Agent, Inbound, Notice, TurnEvents } from '../../src/mesh/ports.ts'
import { FakeLog } from '../fakes/log.ts'

const inbound: Inbound = {
  id: 'a1'.repeat(16),
  hostMessageId: 'a1'.repeat(16),
  conversation: 'c0'.repeat(16),
  from: { instance: 'aaaa-bbbb', instanceId: 'ana@aaaa-bbbb', peer: '12D3KooWana', name: 'ana' },
  text: 'hello',
  sentMs: 1,
  path: 'lan',
  tier: 'reply',
  mayStartTurn: true,
  adoptedBefore: false,
  mayRepeat: false
}

interface Bridge {
  /** The ports as the engine sees them. */
  ports: HostPorts
  log: FakeLog
  events: MeshEvent[]
  cut(): void
}

/** Both ends over a real message channel; the ports of the host are what the test gives. */
function bridge(host: Partial<HostPorts>, shape: HostShape = { agent: true, display: true }): Bridge {
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  const log = new FakeLog()
  const events: MeshEvent[] = []
  const served: HostPorts = {
    notices: { notify: async () => undefined },
    log,
    event: event => events.push(event),
    ...host
  }
  const hostRpc: Rpc = new Rpc({ channel: portChannel(port1) }, { handlers: serveHost(served, () => hostRpc) })
  const { ports, handlers } = bridgeToHost(() => engineRpc, shape)
  const engineRpc: Rpc = new Rpc({ channel: portChannel(port2) }, { handlers })
  return { ports, log, events, cut: () => port1.close() }
}

/** What the mesh hears of a turn. */
class Heard implements TurnEvents {
  readonly lines: string[] = []
  refusal: MeshError | undefined

  adopted(): void {
    this.lines.push('adopted')
  }

  async reply(text: string): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal
    this.lines.push(`reply ${text}`)
  }
}

function agentOf({ agent }: HostPorts): Agent {
  if (agent === undefined) throw new Error('no agent')
  return agent
}

describe('a turn over the bridge', () => {
  it('is told adopted and replied before its outcome, in order', async () => {
    const heard = new Heard()
    const { ports } = bridge({
      agent: {
        turn: async ({ text }, events) => {
          events.adopted()
          await events.reply(`re: ${text}`)
          return { outcome: 'done' }
        }
      }
    })
    await expect(agentOf(ports).turn(inbound, heard)).resolves.toEqual({ outcome: 'done' })
    expect(heard.lines).toEqual(['adopted', 'reply re: hello'])
  })

  it('keeps turns at the same time apart', async () => {
    const gate = Promise.withResolvers<void>()
    const { ports } = bridge({
      agent: {
        turn: async ({ text }, events) => {
          if (text === 'slow') await gate.promise
          await events.reply(text)
          return { outcome: 'done' }
        }
      }
    })
    const [slow, quick] = [new Heard(), new Heard()]
    const first = agentOf(ports).turn({ ...inbound, text: 'slow' }, slow)
    await agentOf(ports).turn({ ...inbound, text: 'quick' }, quick)
    gate.resolve()
    await first
    expect([slow.lines, quick.lines]).toEqual([['reply slow'], ['reply quick']])
  })

  it("gives the outbox's refusal of a reply to the host, as the error that it is", async () => {
    const heard = new Heard()
    heard.refusal = new MeshError('text_too_long', { detail: '40000 bytes' })
    const refused = Promise.withResolvers<unknown>()
    const { ports } = bridge({
      agent: {
        turn: async (_, events) => {
          await events.reply('x').catch(refused.resolve)
          return { outcome: 'failed', detail: 'too long' }
        }
      }
    })
    await expect(agentOf(ports).turn(inbound, heard)).resolves.toEqual({ outcome: 'failed', detail: 'too long' })
    await expect(refused.promise).resolves.toMatchObject({ code: 'text_too_long', details: { detail: '40000 bytes' } })
  })

  it('ends at once for the engine when it aborts; the host hears it, and its late answer is refused', async () => {
    const heard = new Heard()
    const begun = Promise.withResolvers<void>()
    const late = Promise.withResolvers<unknown>()
    const { ports } = bridge({
      agent: {
        turn: async (_, events, options) => {
          begun.resolve()
          await new Promise(resolve => options?.signal?.addEventListener('abort', resolve))
          await events.reply('too late').catch(late.resolve)
          return { outcome: 'done' }
        }
      }
    })
    const stop = new AbortController()
    const turn = agentOf(ports).turn(inbound, heard, { signal: stop.signal })
    await begun.promise
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(turn).rejects.toBe(reason)
    await expect(late.promise).resolves.toMatchObject({ code: 'not_found' })
    expect(heard.lines).toEqual([])
  })

  it('S-33: ends with engine_down on both sides when the other thread goes', async () => {
    const begun = Promise.withResolvers<void>()
    const told = Promise.withResolvers<unknown>()
    const late = Promise.withResolvers<unknown>()
    const { ports, cut } = bridge({
      agent: {
        turn: async (_, events, options) => {
          begun.resolve()
          await new Promise(resolve => options?.signal?.addEventListener('abort', resolve))
          told.resolve(options?.signal?.reason)
          events.adopted()
          await events.reply('too late').catch(late.resolve)
          return { outcome: 'done' }
        }
      }
    })
    const turn = agentOf(ports).turn(inbound, new Heard())
    await begun.promise
    cut()
    await expect(turn).rejects.toMatchObject({ code: 'engine_down' })
    await expect(told.promise).resolves.toMatchObject({ code: 'engine_down' })
    await expect(late.promise).resolves.toMatchObject({ code: 'engine_down' })
  })

  it('is put off when more than sixty-four run, and there is room again when they are over', async () => {
    const gate = Promise.withResolvers<void>()
    const { ports } = bridge({
      agent: {
        turn: async () => {
          await gate.promise
          return { outcome: 'done' }
        }
      }
    })
    const running = Array.from({ length: 64 }, () => agentOf(ports).turn(inbound, new Heard()))
    await expect(agentOf(ports).turn(inbound, new Heard())).resolves.toMatchObject({ outcome: 'retry' })
    gate.resolve()
    await Promise.all(running)
    await expect(agentOf(ports).turn(inbound, new Heard())).resolves.toEqual({ outcome: 'done' })
  })
})

describe('the other ports over the bridge', () => {
  it('shows, tells, logs and reports', async () => {
    const shown: string[] = []
    const notices: Notice[] = []
    const { ports, log, events } = bridge({
      display: {
        show: async ({ text }) => {
          shown.push(text)
          return { outcome: 'done' }
        }
      },
      notices: { notify: async notice => void notices.push(notice) }
    })
    ports.log.warn('Something.', { id: 'x', count: 2 })
    ports.event({ type: 'ready', peerId: 'p', instanceId: 'a@b', addresses: [] })
    await expect(ports.display?.show(inbound)).resolves.toEqual({ outcome: 'done' })
    await ports.notices.notify({ kind: 'message', inbound })
    expect(shown).toEqual(['hello'])
    expect(notices).toEqual([{ kind: 'message', inbound }])
    expect(log.lines).toEqual([{ level: 'warn', message: 'Something.', fields: { id: 'x', count: 2 } }])
    expect(events).toEqual([{ type: 'ready', peerId: 'p', instanceId: 'a@b', addresses: [] }])
  })

  it('has only the ports that the host has, and logging into a closed bridge throws nothing', async () => {
    const { ports, cut } = bridge({}, { agent: false, display: false })
    expect(ports.agent).toBeUndefined()
    expect(ports.display).toBeUndefined()
    cut()
    ports.log.info('Nobody hears this.')
    await expect(ports.notices.notify({ kind: 'message', inbound })).rejects.toMatchObject({ code: 'engine_down' })
  })

  it('says failed where host and engine disagree about the shape', async () => {
    const { ports } = bridge({})
    await expect(agentOf(ports).turn(inbound, new Heard())).resolves.toMatchObject({ outcome: 'failed' })
    await expect(ports.display?.show(inbound)).resolves.toMatchObject({ outcome: 'failed' })
  })
})
