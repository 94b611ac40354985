import { callGatewayFromCli } from 'openclaw/plugin-sdk/gateway-runtime'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { commands, runArgv } from '../../src/commands/index.ts'
import { MeshError } from '../../src/control/errors.ts'
import { methods } from '../../src/control/methods.ts'
import type { HostApi } from '../../src/openclaw/host-types.ts'
import { gatewayClient, registerRpc } from '../../src/openclaw/rpc.ts'
import { goLive, PEER } from './live.ts'

vi.mock('openclaw/plugin-sdk/gateway-runtime', async importOriginal => ({
  ...(await importOriginal<object>()),
  callGatewayFromCli: vi.fn()
}))

const gateway = vi.mocked(callGatewayFromCli)

interface Answer {
  ok: boolean
  value: unknown
  error?: { code: string; message: string; details?: unknown }
}

type GatewayMethod = (call: {
  params: Record<string, unknown>
  respond: (ok: boolean, value?: unknown, error?: Answer['error']) => void
  signal: AbortSignal
}) => Promise<void>

/** The gateway's side: the methods by name, with the scope that each needs. */
function registered() {
  const served = new Map<string, { method: GatewayMethod; scope: string }>()
  const registerGatewayMethod = (name: string, method: GatewayMethod, { scope }: { scope: string }): void => {
    served.set(name, { method, scope })
  }
  registerRpc({ registerGatewayMethod } as unknown as HostApi)
  return {
    scopes: Object.fromEntries([...served].map(([name, { scope }]) => [name, scope])),
    async ask(name: string, params: Record<string, unknown> = {}): Promise<Answer> {
      const { promise, resolve } = Promise.withResolvers<Answer>()
      const respond = (ok: boolean, value?: unknown, error?: Answer['error']): void => resolve({ ok, value, error })
      await served.get(name)?.method({ params, respond, signal: new AbortController().signal })
      return await promise
    }
  }
}

/** An error of the host's gateway client. */
function requestError(message: string, details?: unknown): Error {
  return Object.assign(new Error(message), {
    name: 'GatewayClientRequestError',
    gatewayCode: 'INVALID_REQUEST',
    retryable: false,
    details
  })
}

const unreachable = Object.assign(
  new Error('Gateway not reachable at ws://127.0.0.1:1 (ECONNREFUSED).\nStart it with `openclaw gateway run`'),
  { name: 'GatewayTransportError', kind: 'closed', connectionDetails: {} }
)

async function cli(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [name, ...rest] = words
  const command = commands.find(known => known.name === name)
  if (command === undefined) throw new Error(`no command ${name}`)
  const printed = { stdout: '', stderr: '' }
  const code = await runArgv(command, rest, {
    program: 'openclaw p2p',
    connect: async () => gatewayClient(),
    stdout: text => {
      printed.stdout += text
    },
    stderr: text => {
      printed.stderr += text
    },
    input: (async function* () {})()
  })
  return { code, ...printed }
}

beforeEach(() => {
  gateway.mockReset()
})

describe("the gateway's methods", () => {
  it('are one for each control method; what changes something needs the write scope', () => {
    const { scopes } = registered()
    expect(Object.keys(scopes)).toEqual(Object.keys(methods).map(name => `libp2p-mesh.${name}`))
    expect(scopes).toMatchObject({
      'libp2p-mesh.status': 'operator.read',
      'libp2p-mesh.peers': 'operator.read',
      'libp2p-mesh.send': 'operator.write',
      'libp2p-mesh.approve': 'operator.write',
      'libp2p-mesh.trust': 'operator.write'
    })
  })

  it('ask the live account, with the parameters as they came', async () => {
    const calls = goLive(() => [PEER])
    await expect(registered().ask('libp2p-mesh.peers', { a: 1 })).resolves.toMatchObject({ ok: true, value: [PEER] })
    expect(calls).toMatchObject([{ method: 'peers', params: { a: 1 }, signal: expect.any(AbortSignal) }])
  })

  it('answer with a sentence, and with the error itself for our own client', async () => {
    goLive(() => {
      throw new MeshError('ambiguous_target', { candidates: ['a@x', 'a@y'], cause: new Error('inside') })
    })
    const { ok, error } = await registered().ask('libp2p-mesh.resolve', { target: 'a' })
    expect(ok).toBe(false)
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('a@x, a@y'),
      details: { libp2pMesh: { code: 'ambiguous_target', details: { candidates: ['a@x', 'a@y'], retryable: false } } }
    })
    expect(JSON.stringify(error)).not.toContain('inside')
  })
})

describe('openclaw p2p', () => {
  it('asks the gateway and prints its answer', async () => {
    gateway.mockResolvedValue([PEER] as never)
    const { code, stdout } = await cli('peers', '--json')
    expect([code, JSON.parse(stdout)]).toEqual([0, [PEER]])
    expect(gateway.mock.calls[0]?.slice(0, 3)).toEqual(['libp2p-mesh.peers', { timeout: '3660000' }, {}])
  })

  it("turns the gateway's error back into ours, whole", async () => {
    goLive(() => {
      throw new MeshError('ambiguous_target', { candidates: ['a@x', 'a@y'] })
    })
    const { error } = await registered().ask('libp2p-mesh.send', {})
    gateway.mockRejectedValue(requestError(error?.message ?? '', error?.details))
    await expect(gatewayClient().call('send', { target: 'a', text: 'x' })).rejects.toMatchObject({
      code: 'ambiguous_target',
      details: { candidates: ['a@x', 'a@y'] }
    })
  })

  it.each([
    ['no gateway', unreachable, /^No mesh is running; start the gateway with openclaw gateway run, /],
    ['a gateway without the plugin', requestError('unknown method: libp2p-mesh.peers'), /^No mesh is running; /],
    ['a gateway that refuses', requestError('missing scope: operator.read'), /\(missing scope: operator\.read\)/],
    ['no credentials', new Error('gateway token required\nSet one.'), /\(gateway token required\)/],
    ['Ctrl-C', new DOMException('aborted', 'AbortError'), /^Interrupted before it was done; /]
  ])('D-18: with %s says one sentence and ends with 1', async (_, error, sentence) => {
    gateway.mockRejectedValue(error)
    const { code, stdout, stderr } = await cli('peers')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(sentence)
    expect(stderr).toMatch(/^[^\n]+\.\n$/)
  })
})
