import { describe, expect, it } from 'vitest'
import type { HostPorts } from '../../src/control/bridge.ts'
import type { Inbound, TurnEvents } from '../../src/mesh/ports.ts'
import { createHost } from '../../src/standalone/host.ts'
import { JsonLines } from '../../src/standalone/json-lines.ts'
import { createLog } from '../../src/standalone/log.ts'
import { Pipe } from './pipe.ts'
import { inbound, messageLine } from './sample-inbound.ts'

async function startHost(replyCommand?: string[]): Promise<{ host: HostPorts; stream: Pipe; log: string[] }> {
  const stream = new Pipe()
  const log: string[] = []
  const lines = new JsonLines({ stream })
  await lines.write({ event: 'ready', peerId: 'p', instanceId: 'i', addresses: [] })
  stream.lines.length = 0
  stream.text = ''
  return {
    host: createHost({ lines, log: createLog({ write: line => log.push(line) }) }, { replyCommand }),
    stream,
    log
  }
}

/** Notes what a turn reports, in order. */
function recorder(): { events: TurnEvents; seen: string[] } {
  const seen: string[] = []
  return {
    seen,
    events: {
      adopted: () => void seen.push('adopted'),
      reply: async text => void seen.push(`reply ${text}`)
    }
  }
}

const CAT = [process.execPath, '-e', 'process.stdin.pipe(process.stdout)']
const answer = { kind: 'answer', question: inbound.id, inbound: { ...inbound, inReplyTo: inbound.id } } as const

describe('without a reply command', () => {
  it('shows a message as one printable line and is done then', async () => {
    const { host, stream } = await startHost()
    expect(host.agent).toBeUndefined()
    expect(await host.display?.show(inbound)).toEqual({ outcome: 'done' })
    expect(stream.lines).toEqual([messageLine])
    expect(stream.text).toContain('\\u001b')
  })

  it('shows it later when the reader has gone', async () => {
    const { host, stream } = await startHost()
    stream.hangUp()
    expect(await host.display?.show(inbound)).toMatchObject({ outcome: 'retry' })
  })

  it('leaves a late reply to the display', async () => {
    const { host, stream, log } = await startHost()
    await host.notices.notify(answer)
    expect(stream.lines).toEqual([])
    expect(log).toEqual([])
    await host.notices.notify({ kind: 'settled', session: 's', ids: [inbound.id], state: 'answered', to: inbound.from })
    expect(stream.lines).toEqual([])
    expect(log).toEqual([
      `[libp2p-mesh] Message settled ids=${JSON.stringify([inbound.id])} state=answered to=${inbound.from.instanceId}\n`
    ])
  })
})

describe('with a reply command', () => {
  it('shows the message, adopts the turn and replies', async () => {
    const { host, stream } = await startHost(CAT)
    expect(host.display).toBeUndefined()
    const { events, seen } = recorder()
    expect(await host.agent?.turn({ ...inbound, text: 'ping' }, events)).toEqual({ outcome: 'done' })
    expect(stream.lines).toEqual([{ ...messageLine, text: 'ping' }])
    expect(seen).toEqual(['adopted', 'reply ping'])
  })

  const ends: [string, string[], object, string[]][] = [
    ['gives no reply for no output', [process.execPath, '-e', ''], { outcome: 'done' }, ['adopted']],
    ['fails with the command', [process.execPath, '-e', 'process.exit(1)'], { outcome: 'failed' }, ['adopted']],
    ['fails without the command', ['libp2p-mesh-no-such-program'], { outcome: 'failed' }, []]
  ]
  for (const [what, argv, outcome, expected] of ends) {
    it(what, async () => {
      const { host } = await startHost(argv)
      const { events, seen } = recorder()
      expect(await host.agent?.turn(inbound, events)).toMatchObject(outcome)
      expect(seen).toEqual(expected)
    })
  }

  it('does not know what came of a command that the stop interrupted', async () => {
    const { host } = await startHost([process.execPath, '-e', 'setInterval(() => {}, 1000)'])
    const controller = new AbortController()
    const { events } = recorder()
    const adopted = { ...events, adopted: () => controller.abort() }
    expect(await host.agent?.turn(inbound, adopted, { signal: controller.signal })).toMatchObject({
      outcome: 'unknown'
    })
  })

  it('only shows what may not start a turn', async () => {
    const { host, stream } = await startHost(CAT)
    const { events, seen } = recorder()
    const reply: Inbound = { ...inbound, inReplyTo: inbound.conversation, mayStartTurn: false }
    expect(await host.agent?.turn(reply, events)).toEqual({ outcome: 'done' })
    expect(stream.lines).toEqual([{ ...messageLine, inReplyTo: inbound.conversation }])
    expect(seen).toEqual([])
  })

  it('does not run the command for a line that nobody reads', async () => {
    const { host, stream } = await startHost(CAT)
    stream.hangUp()
    const { events, seen } = recorder()
    expect(await host.agent?.turn(inbound, events)).toMatchObject({ outcome: 'retry' })
    expect(seen).toEqual([])
  })

  it('shows a late reply, which nothing else shows', async () => {
    const { host, stream } = await startHost(CAT)
    await host.notices.notify(answer)
    expect(stream.lines).toEqual([{ ...messageLine, inReplyTo: inbound.id }])
  })
})

describe('events', () => {
  it('become lines with the documented keys', async () => {
    const { host, stream } = await startHost()
    host.event({ type: 'ready', peerId: 'p', instanceId: 'i', addresses: [] })
    host.event({ type: 'peer', state: 'connected', peerId: 'p', instanceId: 'i', path: 'lan' })
    await host.notices.notify({
      kind: 'broadcast',
      broadcast: { id: '1', topic: 't', from: inbound.from, text: 'all' }
    })
    await host.notices.notify({ kind: 'message', inbound })
    expect(stream.lines).toEqual([
      { event: 'peer', state: 'connected', peerId: 'p', instanceId: 'i', path: 'lan' },
      {
        event: 'broadcast',
        id: '1',
        topic: 't',
        fromPeerId: inbound.from.peer,
        fromInstanceId: inbound.from.instanceId,
        text: 'all'
      },
      messageLine
    ])
  })
})

describe('the log', () => {
  it('S-17: is one line per event, with its fields, without steps', () => {
    const written: string[] = []
    const log = createLog({ write: line => written.push(line) })
    log.debug('a step')
    log.info('Peer\nconnected', { peer: '\u001b[31mred', cause: new Error('a\nb'), none: undefined, list: [1] })
    log.warn('careful')
    expect(written).toEqual([
      '[libp2p-mesh] Peer\\u000aconnected peer=\\u001b[31mred cause=a\\u000ab list=[1]\n',
      '[libp2p-mesh] warning: careful\n'
    ])
    createLog({ write: line => written.push(line) }, { verbose: true }).debug('a step')
    expect(written.at(-1)).toBe('[libp2p-mesh] debug: a step\n')
  })
})
