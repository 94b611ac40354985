import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EngineThread } from '../../src/openclaw/engine-thread.ts'
import { liveSettings, parseSettings } from '../../src/settings/index.ts'
import { FakeLog } from '../fakes/log.ts'
import { refusalOf } from './live.ts'

/** What one life of the fake engine does with a call: answers it unless the script says otherwise. */
type Script = Record<string, string>

const URL_OF_FAKE = new URL('../fixtures/engine-worker.mjs', import.meta.url)

interface World {
  thread: EngineThread
  log: FakeLog
  /** Every start of the thread and every call that it got, in order. */
  journal(): string[]
  stop(): Promise<void>
}

/** Runs a thread whose lives follow the scripts; the last one is for all that come after. */
function run(scripts: Script[], url: URL = URL_OF_FAKE): World {
  const stateDir = mkdtempSync(join(tmpdir(), 'mesh-engine-thread-'))
  const log = new FakeLog()
  const options = {
    stateDir,
    settings: parseSettings({}, 'test'),
    pendingSettings: [],
    version: '1.0.0',
    program: JSON.stringify(scripts)
  }
  const thread = new EngineThread(
    { host: { notices: { notify: async () => undefined }, log, event: () => undefined } },
    { url, options }
  )
  const end = new AbortController()
  const running = thread.run(end.signal)
  const stop = async (): Promise<void> => {
    end.abort()
    await running
  }
  onTestFinished(async () => {
    await stop()
    rmSync(stateDir, { recursive: true })
  })
  return { thread, log, stop, journal: () => readFileSync(join(stateDir, 'journal'), 'utf8').trim().split('\n') }
}

const times = (lines: string[], line: string): number => lines.filter(other => other === line).length

describe('the thread of the engine', () => {
  it('is healthy when it started, and asked through the client', async () => {
    const { thread, journal } = run([{}])
    await expect(thread.client().call('peers', {})).resolves.toEqual([])
    expect(thread.health).toEqual({ running: true, restarts: 0 })
    expect(journal()).toEqual(['start', 'engine.start', 'peers'])
  })

  it('S-33: comes back after a throw; a question that was open goes on with the next engine, and health keeps the reason', async () => {
    const { thread, journal, log } = run([{ peers: 'throw' }, {}])
    await expect(thread.client().call('peers', {})).resolves.toEqual([])
    expect(journal()).toEqual(['start', 'engine.start', 'peers', 'start', 'engine.start', 'peers'])
    const lastError = 'planted in peers\\u000aof a peer'
    expect(thread.health).toEqual({ running: true, restarts: 1, lastError })
    expect(log.at('error')).toEqual([`Engine ended: ${lastError}. Next start in 250 ms`])
  })

  it('S-32: tells new settings to the engine that is up, and each later one starts with them', async () => {
    const { thread, journal } = run([{ broadcast: 'throw' }, {}])
    const live = { ...liveSettings(parseSettings({}, 'test')), allowFrom: ['bob'] }
    await thread.client().call('peers', {})
    thread.update(live)
    await expect(thread.client().call('broadcast', { text: 'x' })).rejects.toMatchObject({ code: 'engine_down' })
    await expect(thread.client().call('peers', {})).resolves.toEqual([])
    expect(journal()).toEqual([
      'start',
      'engine.start',
      'peers',
      'engine.update ["bob"]',
      'broadcast',
      'start ["bob"]',
      'engine.start',
      'peers'
    ])
  })

  it('S-32: tells new settings to an engine that was starting meanwhile', async () => {
    const { thread, journal } = run([{}])
    thread.update({ ...liveSettings(parseSettings({}, 'test')), allowFrom: ['bob'] })
    await thread.client().call('peers', {})
    expect(journal()).toEqual(['start', 'engine.start', 'engine.update ["bob"]', 'peers'])
  })

  it('S-32: restarts an engine that does not take new settings, so that nothing is in force by half', async () => {
    const { thread, journal, log } = run([{ 'engine.update': 'fail store_failed' }, {}])
    await thread.client().call('peers', {})
    thread.update({ ...liveSettings(parseSettings({}, 'test')), allowFrom: ['bob'] })
    await expect.poll(() => journal()).toContain('start ["bob"]')
    expect(log.at('error')[0]).toMatch(/^The engine did not take new settings and is restarted: store_failed/)
  })

  it('waits longer before each further start', async () => {
    const { thread, log } = run([{ 'engine.start': 'throw' }, { 'engine.start': 'exit' }, {}])
    await expect(thread.client().call('peers', {})).resolves.toEqual([])
    expect(log.at('error')).toEqual([
      'Engine ended: planted in engine.start\\u000aof a peer. Next start in 250 ms',
      'Engine ended: it stopped by itself. Next start in 500 ms'
    ])
    expect(thread.health).toEqual({ running: true, restarts: 2, lastError: 'it stopped by itself' })
  })

  it('a send with its key goes on with the next engine, what cannot be repeated fails', async () => {
    const { thread, journal } = run([{ send: 'hang', broadcast: 'throw' }, {}])
    const client = thread.client()
    const send = client.call('send', { target: 'bob', text: 'x', idempotencyKey: 'k' }).catch(() => 'answered')
    await expect.poll(() => journal()).toContain('send')
    await expect(client.call('broadcast', { text: 'x' })).rejects.toMatchObject({ code: 'engine_down' })
    // The fake echoes parameters, which are no result of a send: that it was answered at all is what counts.
    await expect(send).resolves.toBe('answered')
    expect(times(journal(), 'send')).toBe(2)
    expect(times(journal(), 'broadcast')).toBe(1)
  })

  it('a send without a key is not repeated', async () => {
    const { thread, journal } = run([{ send: 'throw' }, {}])
    await expect(thread.client().call('send', { target: 'bob', text: 'x' })).rejects.toMatchObject({
      code: 'engine_down',
      retryable: true
    })
    expect(times(journal(), 'send')).toBe(1)
  })

  it('asks an engine that is going down once, not in a loop', async () => {
    const { thread, journal } = run([{ peers: 'going' }, {}])
    await expect(thread.client().call('peers', {})).resolves.toEqual([])
    expect(journal()).toEqual(['start', 'engine.start', 'peers', 'start', 'engine.start', 'peers'])
  })

  it('R-11: a start that is refused shows in health, and calls fail with its reason', async () => {
    const { thread } = run([{ 'engine.start': 'fail state_locked' }])
    await expect(thread.client().call('peers', {})).rejects.toMatchObject({
      code: 'state_locked',
      details: { detail: 'held by pid 7' }
    })
    expect(thread.health).toMatchObject({ running: false, lastError: 'state_locked: held by pid 7' })
    expect(thread.health.restarts).toBeGreaterThan(1)
  })

  it('an engine that is not there at all is a failed start too', async () => {
    const { thread } = run([{}], new URL('../fixtures/nothing-here.mjs', import.meta.url))
    await expect.poll(() => thread.health.lastError).toMatch(/nothing-here/)
    expect(thread.health.running).toBe(false)
  })

  it('lets a call go at once when its signal fires, while it waits for an engine too', async () => {
    const { thread } = run([{ 'engine.start': 'hang' }])
    const caller = new AbortController()
    const call = refusalOf(thread.client().call('peers', {}, { signal: caller.signal }))
    const reason = new Error('enough')
    caller.abort(reason)
    expect(await call).toBe(reason)
  })
})

describe('the end of the thread', () => {
  it('is asked for, and calls that wait or come later say engine_down at once', async () => {
    const { thread, journal, stop } = run([{ peers: 'hang' }])
    const open = refusalOf(thread.client().call('peers', {}))
    await expect.poll(() => journal()).toContain('peers')
    const stopped = stop()
    await expect(thread.client().call('peers', {})).rejects.toMatchObject({ code: 'engine_down' })
    await stopped
    expect(await open).toMatchObject({ code: 'engine_down' })
    expect(journal()).toEqual(['start', 'engine.start', 'peers', 'engine.stop'])
    expect(thread.health.running).toBe(false)
  })

  it('lets calls go that wait for an engine that never started', async () => {
    const { thread, stop } = run([{ 'engine.start': 'fail store_failed' }])
    const waiting = refusalOf(thread.client().call('peers', {}))
    await expect.poll(() => thread.health.restarts).toBeGreaterThan(0)
    await stop()
    expect(await waiting).toMatchObject({ code: 'engine_down' })
  })

  it('R-18: comes within four seconds where the engine does not answer, is stuck in a loop, or never ended its start', async () => {
    const scripts: Script[] = [
      { 'engine.stop': 'hang' },
      { 'engine.stop': 'spin' },
      { 'engine.start': 'hang', 'engine.stop': 'hang' }
    ]
    const worlds = scripts.map(script => run([script]))
    for (const { journal } of worlds) await expect.poll(() => journal()).toContain('engine.start')
    const startedMs = performance.now()
    await Promise.all(worlds.map(({ stop }) => stop()))
    expect(performance.now() - startedMs).toBeLessThan(4_000)
    for (const { log } of worlds)
      expect(log.at('warn')).toEqual(['Engine did not stop by itself: aborted: no end within 3000 ms'])
  })

  it('says nothing of an engine that goes by itself', async () => {
    const { journal, stop, log } = run([{ 'engine.stop': 'exit' }])
    await expect.poll(() => journal()).toContain('engine.start')
    await stop()
    expect([...log.at('warn'), ...log.at('error')]).toEqual([])
  })

  it('does not start what is stopped before it began', async () => {
    const thread = new EngineThread(
      { host: { notices: { notify: async () => undefined }, log: new FakeLog(), event: () => undefined } },
      {
        url: URL_OF_FAKE,
        options: { stateDir: '', settings: parseSettings({}, 'test'), pendingSettings: [], version: '', program: '[]' }
      }
    )
    await thread.run(AbortSignal.abort())
    await expect(thread.client().call('peers', {})).rejects.toMatchObject({ code: 'engine_down' })
  })
})
