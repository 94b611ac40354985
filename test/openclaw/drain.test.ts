import { describe, expect, it } from 'vitest'
import { watchDrain, watchEnd } from '../../src/openclaw/drain.ts'
import type { HostApi } from '../../src/openclaw/host-types.ts'

/** The host's side of `api.on('gateway_start')`. */
function host() {
  let start: (event: object, context: { abortSignal?: AbortSignal }) => void = () => undefined
  const on = (name: string, handler: typeof start): void => {
    expect(name).toBe('gateway_start')
    start = handler
  }
  return { api: { on } as unknown as HostApi, start: (abortSignal?: AbortSignal) => start({}, { abortSignal }) }
}

describe('the end of the gateway', () => {
  it('is heard when the host drains before a restart, and the next account has a new signal', () => {
    const { api, start } = host()
    const watch = watchEnd()
    watchDrain(api)
    const drain = new AbortController()
    start(drain.signal)
    expect(watch.signal.aborted).toBe(false)
    drain.abort()
    expect(watch.signal.aborted).toBe(true)
    watch.unwatch()
    const next = watchEnd()
    expect(next.signal.aborted).toBe(false)
    next.unwatch()
  })

  it('is heard at once from a host that drains already, and never from one without a signal', () => {
    const { api, start } = host()
    watchDrain(api)
    const watch = watchEnd()
    start(undefined)
    expect(watch.signal.aborted).toBe(false)
    start(AbortSignal.abort())
    expect(watch.signal.aborted).toBe(true)
    watch.unwatch()
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('is heard with %s, and the listener goes with the account', name => {
    const before = process.listenerCount(name)
    const watch = watchEnd()
    expect(process.listenerCount(name)).toBe(before + 1)
    // The handler is called like the process would; a real signal would end the test runner too.
    process.listeners(name).at(-1)?.(name)
    expect(watch.signal.aborted).toBe(true)
    watch.unwatch()
    expect(process.listenerCount(name)).toBe(before)
  })
})
