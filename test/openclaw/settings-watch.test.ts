import type { OpenClawConfig } from 'openclaw/plugin-sdk/channel-core'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SettingsWatch } from '../../src/openclaw/settings-watch.ts'
import { type LiveSettings, parseSettings } from '../../src/settings/index.ts'
import { FakeLog } from '../fakes/log.ts'

const LOOK_MS = 500

function watching(first: object) {
  let cfg: OpenClawConfig | Error = { channels: { 'libp2p-mesh': first } } as OpenClawConfig
  const log = new FakeLog()
  const changes: LiveSettings[] = []
  const watch = new SettingsWatch(
    {
      config: () => {
        if (cfg instanceof Error) throw cfg
        return cfg
      },
      log
    },
    { settings: parseSettings(first, 'test'), onChange: live => changes.push(live) }
  )
  onTestFinished(() => watch.stop())
  const write = (block: object): void => {
    cfg = { channels: { 'libp2p-mesh': block } } as OpenClawConfig
    vi.advanceTimersByTime(LOOK_MS)
  }
  const fail = (error: Error): void => {
    cfg = error
    vi.advanceTimersByTime(LOOK_MS)
  }
  return { watch, log, changes, write, fail }
}

const BOB = 'k5xq-3abc-defg-hijk-lmno-pqrs'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('the watch over settings that need no restart', () => {
  it('S-32: tells each change of them once, within half a second', () => {
    const { watch, changes, write } = watching({ allowFrom: [BOB] })
    write({ allowFrom: [], name: 'study' })
    vi.advanceTimersByTime(10 * LOOK_MS)
    expect(changes).toEqual([expect.objectContaining({ allowFrom: [], name: 'study', dmPolicy: 'pairing' })])
    expect(watch.settings).toMatchObject({ allowFrom: [], name: 'study' })
  })

  it('leaves all others to the restart that they cause', () => {
    const { watch, changes, write } = watching({})
    write({ meshTopic: 'other', discovery: 'bootstrap' })
    expect(changes).toEqual([])
    expect(watch.settings).toMatchObject({ meshTopic: 'openclaw-mesh', discovery: 'mdns' })
  })

  it('S-32: keeps what was in force where new settings are refused, and says so once', () => {
    const { watch, changes, write, log } = watching({ allowFrom: [BOB] })
    write({ allowFrom: ['*'], dmPolicy: 'open', name: 7 })
    write({ allowFrom: ['*'], dmPolicy: 'open', name: 7 })
    expect(changes).toEqual([])
    expect(watch.settings.allowFrom).toEqual([BOB])
    expect(log.at('error')).toEqual([
      expect.stringMatching(/^Settings refused, those before stay in force: channels\.libp2p-mesh\.name is 7/)
    ])
    write({ allowFrom: [] })
    expect(changes).toHaveLength(1)
  })

  it('S-33: never throws on the thread of the gateway', () => {
    const { fail, write, log, changes } = watching({})
    fail(new Error('no runtime'))
    expect(log.at('error')).toEqual(['The configuration could not be read: Error: no runtime'])
    write({ name: 'study' })
    expect(changes).toHaveLength(1)
  })

  it('ends with the account', () => {
    const { watch, write, changes } = watching({})
    watch.stop()
    write({ name: 'study' })
    expect(changes).toEqual([])
  })
})
