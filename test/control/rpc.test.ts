import { MessageChannel } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { portChannel } from '../../src/control/port-channel.ts'
import { Rpc, type RpcHandler } from '../../src/control/rpc.ts'
import { MeshError } from '../../src/mesh/errors.ts'

const open: { close(): void }[] = []

afterEach(() => {
  for (const port of open.splice(0)) port.close()
})

function pair(handlers: Record<string, RpcHandler>): { asking: Rpc; serving: Rpc; cut(): void } {
  const { port1, port2 } = new MessageChannel()
  open.push(port1)
  return {
    asking: new Rpc({ channel: portChannel(port1) }),
    serving: new Rpc({ channel: portChannel(port2) }, { handlers }),
    cut: () => port1.close()
  }
}

describe('Rpc', () => {
  it('answers calls in whatever order they end', async () => {
    const gate = Promise.withResolvers<void>()
    const { asking } = pair({
      slow: async () => {
        await gate.promise
        return 'slow'
      },
      quick: async params => params
    })
    const slow = asking.call('slow', {})
    await expect(asking.call('quick', { a: [1, 'x', null] })).resolves.toEqual({ a: [1, 'x', null] })
    gate.resolve()
    await expect(slow).resolves.toBe('slow')
  })

  it('carries a MeshError with its details and nothing of its cause', async () => {
    const { asking } = pair({
      fail: async () => {
        throw new MeshError('ambiguous_target', { candidates: ['a', 'b'], retryable: true, cause: new Error('inside') })
      }
    })
    const error = await asking.call('fail', {}).then(
      () => undefined,
      (reason: unknown) => reason as MeshError
    )
    expect(error).toBeInstanceOf(MeshError)
    expect(error).toMatchObject({ code: 'ambiguous_target', retryable: true, details: { candidates: ['a', 'b'] } })
    expect(error?.details.cause).toBeUndefined()
  })

  it('turns an error of another kind into code internal, and an unknown method into bad_request', async () => {
    const { asking } = pair({
      broken: async () => {
        throw new TypeError('x is not a function')
      }
    })
    await expect(asking.call('broken', {})).rejects.toMatchObject({
      code: 'internal',
      details: { detail: 'x is not a function' }
    })
    await expect(asking.call('constructor', {})).rejects.toMatchObject({ code: 'bad_request' })
  })

  it('aborts at once on the asking side and reaches the handler', async () => {
    const seen = Promise.withResolvers<unknown>()
    const { asking } = pair({
      wait: async (_params, { signal }) => {
        signal.addEventListener('abort', () => seen.resolve(signal.reason))
        await new Promise(() => {})
      }
    })
    const controller = new AbortController()
    const call = asking.call('wait', {}, { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    await expect(seen.promise).resolves.toMatchObject({ code: 'aborted' })
  })

  it('settles every open call when the channel closes, and refuses later ones; the handler hears that nobody aborted', async () => {
    const aborted = Promise.withResolvers<unknown>()
    const started = Promise.withResolvers<void>()
    const { asking, cut } = pair({
      wait: async (_params, { signal }) => {
        signal.addEventListener('abort', () => aborted.resolve(signal.reason))
        started.resolve()
        await new Promise(() => {})
      }
    })
    const call = asking.call('wait', {})
    await started.promise
    cut()
    await expect(call).rejects.toMatchObject({ code: 'engine_down', retryable: true })
    await expect(aborted.promise).resolves.toMatchObject({ code: 'engine_down' })
    await expect(asking.call('wait', {})).rejects.toMatchObject({ code: 'engine_down' })
  })

  it('ends the conversation with a peer that speaks no rpc', async () => {
    const { port1, port2 } = new MessageChannel()
    open.push(port1)
    const rpc = new Rpc({ channel: portChannel(port2) })
    const call = rpc.call('any', {})
    port1.postMessage({ t: 'ok', id: 'one' })
    await expect(call).rejects.toMatchObject({ code: 'engine_down' })
  })
})
