import { AsyncLocalStorage } from 'node:async_hooks'
import { hostname, release, type } from 'node:os'
import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import type { TurnEvents } from '../../src/mesh/ports.ts'
import type { ChannelRuntime, HostConfig } from '../../src/openclaw/host-types.ts'
import { InboundAgent } from '../../src/openclaw/inbound.ts'
import { FakeLog } from '../fakes/log.ts'
import { framed } from './framed.ts'
import { inboundOf } from './inbound-of.ts'

interface Dispatch {
  ctxPayload: Record<string, unknown>
  route: { sessionKey: string }
  replyOptions: {
    toolsAllow: string[]
    disableBlockStreaming: boolean
    abortSignal?: AbortSignal
    turnAdoptionLifecycle: { onAdopted(): void }
  }
  /** Notes what deliver throws and goes on, as the host does. */
  deliver(text: string | undefined, kind?: string): Promise<void>
}

type Script = (dispatch: Dispatch) => Promise<void>

class Heard implements TurnEvents {
  readonly lines: string[] = []
  refuse: (text: string) => MeshError | undefined = () => undefined

  adopted(): void {
    this.lines.push('adopted')
  }

  async reply(text: string): Promise<void> {
    const refusal = this.refuse(text)
    if (refusal !== undefined) throw refusal
    this.lines.push(`reply ${text}`)
  }
}

/** The host's ingress, context and dispatch; the script is what it does with a turn. */
function host(
  script: Script,
  { admission = 'dispatch', inAccountContext = <T>(work: () => T): T => work(), tools = [] as readonly string[] } = {}
) {
  const dispatches: Dispatch[] = []
  const contexts: Record<string, unknown>[] = []
  const accesses: Record<string, unknown>[] = []
  const inbound = {
    ingress: {
      resolveStable: async (params: Record<string, unknown>) => {
        accesses.push(params)
        return { ingress: { admission } }
      }
    },
    buildContext: async (params: Record<string, unknown>) => {
      contexts.push(params)
      return { Body: 'body', OriginatingTo: 'peer' }
    },
    dispatch: async (params: Dispatch & { delivery: Record<string, (...args: unknown[]) => unknown> }) => {
      const { deliver, onError } = params.delivery
      const dispatch: Dispatch = {
        ...params,
        deliver: async (text, kind = 'final') => {
          try {
            await deliver?.({ text }, { kind })
          } catch (error) {
            onError?.(error, { kind })
          }
        }
      }
      dispatches.push(dispatch)
      await script(dispatch)
      return { dispatched: true }
    }
  }
  const log = new FakeLog()
  const agent = new InboundAgent({
    channelRuntime: { inbound } as unknown as ChannelRuntime,
    config: () => ({}) as HostConfig,
    log,
    tools: () => tools,
    inAccountContext
  })
  return { agent, log, dispatches, contexts, accesses }
}

const adopt = ({ replyOptions }: Dispatch): void => replyOptions.turnAdoptionLifecycle.onAdopted()

describe('a turn of a peer', () => {
  it('S1.59: is adopted, answered and done', async () => {
    const heard = new Heard()
    const { agent } = host(async dispatch => {
      adopt(dispatch)
      await dispatch.deliver('thinking', 'block')
      await dispatch.deliver(' \n')
      await dispatch.deliver(undefined)
      await dispatch.deliver('Tea time.')
    })
    await expect(agent.turn(inboundOf('hello'), heard)).resolves.toEqual({ outcome: 'done' })
    expect(heard.lines).toEqual(['adopted', 'reply Tea time.'])
  })

  it('S-21: has no tool, no command rights and no route of the host, in the session of the peer alone', async () => {
    const { agent, dispatches, contexts, accesses } = host(async () => undefined)
    const inbound = inboundOf('/reset everything')
    await agent.turn(inbound, new Heard())
    const sessionKey = 'agent:main:subagent:libp2p-mesh-12d3koowana'
    expect(dispatches[0]).toMatchObject({
      channel: 'libp2p-mesh',
      route: { sessionKey },
      replyOptions: { toolsAllow: [], disableBlockStreaming: true }
    })
    expect(dispatches[0]?.ctxPayload).toEqual({ Body: 'body' })
    expect(contexts[0]).toMatchObject({
      messageId: inbound.hostMessageId,
      route: { routeSessionKey: sessionKey, dispatchSessionKey: sessionKey },
      sender: { name: 'ana (aaaa-bbbb)' },
      extra: { CommandInterpretationSuppressed: true }
    })
    // The host looks for commands and addresses in each of them: none is the bare text.
    const { message } = contexts[0] as { message: Record<string, string> }
    expect(Object.keys(message)).toEqual(['body', 'bodyForAgent', 'rawBody', 'commandBody'])
    expect(new Set(Object.values(message)).size).toBe(1)
    expect(framed(message.rawBody ?? '').lines).toEqual(['/reset everything'])
    expect(accesses[0]).toMatchObject({
      dmPolicy: 'allowlist',
      allowFrom: ['mesh-12D3KooWAna'],
      useDefaultPairingStore: false,
      contextBinding: { sessionKey, messageId: inbound.hostMessageId }
    })
  })

  it.each([
    ['reply', []],
    ['notify', []],
    ['trusted', ['p2p_peers', 'web_search']]
  ] as const)('S-21: of tier %s has the tools %j', async (tier, allowed) => {
    const { agent, dispatches } = host(async dispatch => adopt(dispatch), { tools: ['p2p_peers', 'web_search'] })
    await agent.turn(inboundOf('x', { tier }), new Heard())
    expect(dispatches[0]?.replyOptions.toolsAllow).toEqual(allowed)
  })

  it('S-21: with tools is not run again after a crash, and without tools it is', async () => {
    const tooled = host(async dispatch => adopt(dispatch), { tools: ['exec'] })
    const crashed = inboundOf('x', { tier: 'trusted', adoptedBefore: true })
    await expect(tooled.agent.turn(crashed, new Heard())).resolves.toEqual({
      outcome: 'unknown',
      detail: 'a turn with tools was cut off'
    })
    expect(tooled.dispatches).toEqual([])
    await expect(tooled.agent.turn({ ...crashed, tier: 'reply' }, new Heard())).resolves.toEqual({ outcome: 'done' })
    const untooled = host(async dispatch => adopt(dispatch))
    await expect(untooled.agent.turn(crashed, new Heard())).resolves.toEqual({ outcome: 'done' })
  })

  it('S-21: does not tell what its host says of the machine', async () => {
    const heard = new Heard()
    const { agent } = host(async dispatch => {
      adopt(dispatch)
      await dispatch.deliver(
        `You said hi.\n\nRuntime: agent=main | host=${hostname()} | os=${type()} ${release()} (x64)`
      )
    })
    await agent.turn(inboundOf('hi'), heard)
    expect(heard.lines).toEqual(['adopted', 'reply You said hi.\n\n[left out]'])
  })

  it('R-18: runs in the async context of the account', async () => {
    const account = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const inAccountContext = account.run('account', () => AsyncLocalStorage.snapshot())
    const { agent } = host(async () => void seen.push(account.getStore()), { inAccountContext })
    await account.run('elsewhere', () => agent.turn(inboundOf('hello'), new Heard()))
    expect(seen).toEqual(['account'])
  })

  it('is done without an answer where the agent gives none', async () => {
    const { agent } = host(async dispatch => adopt(dispatch))
    await expect(agent.turn(inboundOf('hello'), new Heard())).resolves.toEqual({ outcome: 'done' })
  })

  it('commits several finals one by one, each before deliver returns', async () => {
    const heard = new Heard()
    const committed: number[] = []
    const { agent } = host(async dispatch => {
      adopt(dispatch)
      for (const text of ['one', 'two', 'three']) {
        await dispatch.deliver(text)
        committed.push(heard.lines.length)
      }
    })
    await expect(agent.turn(inboundOf('hello'), heard)).resolves.toEqual({ outcome: 'done' })
    expect(heard.lines).toEqual(['adopted', 'reply one', 'reply two', 'reply three'])
    expect(committed).toEqual([2, 3, 4])
  })

  it('comes again where the host took no turn: an id that it has seen, an ingress that refuses, a drain', async () => {
    const silent = host(async () => undefined)
    await expect(silent.agent.turn(inboundOf('x'), new Heard())).resolves.toEqual({
      outcome: 'retry',
      detail: 'the host took no turn'
    })
    const refusing = host(async () => undefined, { admission: 'drop' })
    await expect(refusing.agent.turn(inboundOf('x'), new Heard())).resolves.toMatchObject({ outcome: 'retry' })
    expect(refusing.dispatches).toEqual([])
    const draining = host(() => Promise.reject(new Error('Gateway is draining')))
    await expect(draining.agent.turn(inboundOf('x'), new Heard())).resolves.toEqual({
      outcome: 'retry',
      detail: 'Gateway is draining'
    })
  })

  it('is unknown after a throw behind adoption, whether it had answered or not', async () => {
    const { agent } = host(async dispatch => {
      adopt(dispatch)
      throw new Error('model is gone')
    })
    await expect(agent.turn(inboundOf('x'), new Heard())).resolves.toEqual({
      outcome: 'unknown',
      detail: 'model is gone'
    })
  })

  it.each([
    [false, 'retry'],
    [true, 'unknown']
  ])('aborted, with adoption %s, is %s: the host returns as if nothing were wrong', async (adopted, outcome) => {
    const stop = new AbortController()
    const { agent, dispatches } = host(async dispatch => {
      if (adopted) adopt(dispatch)
      await new Promise(resolve => dispatch.replyOptions.abortSignal?.addEventListener('abort', resolve))
    })
    const turn = agent.turn(inboundOf('x'), new Heard(), { signal: stop.signal })
    await expect.poll(() => dispatches.length).toBe(1)
    stop.abort()
    await expect(turn).resolves.toEqual({ outcome, detail: 'stopped' })
  })

  it('fails where its answer is refused, since the host only notes what deliver throws', async () => {
    const heard = new Heard()
    heard.refuse = () => new MeshError('text_too_long', { detail: '40000 bytes' })
    const { agent, log } = host(async dispatch => {
      adopt(dispatch)
      await dispatch.deliver('x'.repeat(40_000))
    })
    await expect(agent.turn(inboundOf('hello'), heard)).resolves.toEqual({
      outcome: 'failed',
      detail: 'text_too_long: 40000 bytes'
    })
    expect(log.lines).toEqual([
      {
        level: 'warn',
        message: 'An answer was not accepted.',
        fields: { id: inboundOf('').id, error: 'text_too_long: 40000 bytes' }
      }
    ])
  })

  it('is done where one answer of several is refused, and says so in the log', async () => {
    const heard = new Heard()
    heard.refuse = text => (text === 'two' ? new MeshError('outbox_full') : undefined)
    const { agent, log } = host(async dispatch => {
      adopt(dispatch)
      for (const text of ['one', 'two']) await dispatch.deliver(text)
    })
    await expect(agent.turn(inboundOf('hello'), heard)).resolves.toEqual({ outcome: 'done' })
    expect(log.at('warn')).toHaveLength(1)
  })

  it('waits for another turn of the same peer: the host would answer both in the first', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { agent, dispatches } = host(async dispatch => {
      adopt(dispatch)
      await gates[dispatches.indexOf(dispatch)]?.promise
    })
    const other = inboundOf('from another peer')
    const turns = [
      agent.turn(inboundOf('one'), new Heard()),
      agent.turn(inboundOf('two', { conversation: 'c1'.repeat(16) }), new Heard()),
      agent.turn({ ...other, from: { ...other.from, peer: '12D3KooWBen' } }, new Heard())
    ]
    await expect.poll(() => dispatches.length).toBe(2)
    expect(dispatches.map(({ route }) => route.sessionKey.slice(-3))).toEqual(['ana', 'ben'])
    for (const { resolve } of gates) resolve()
    await expect(Promise.all(turns)).resolves.toEqual(turns.map(() => ({ outcome: 'done' })))
    expect(dispatches).toHaveLength(3)
  })
})
