import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RouteEntry } from '../../src/mesh/ports.ts'
import { Routes } from '../../src/store/routes.ts'
import { recordingLog, temporaryDirectory } from './temporary.ts'

const FILE = 'instance-peer.json'
const DELAY_MS = 5_000

/** Number 0..32^4-1 as an instance. */
function instanceOf(number: number): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567'
  const group = [15, 10, 5, 0].map(shift => letters[(number >> shift) & 31]).join('')
  return `${group}-aaaa-aaaa-aaaa-aaaa-aaaa`
}

function entryOf(number: number, change: Partial<RouteEntry> = {}): RouteEntry {
  return {
    instance: instanceOf(number),
    peer: `12D3KooW${number}`,
    label: 'brisk-otter',
    addresses: ['/ip4/127.0.0.1/tcp/4001'],
    seq: 1,
    lastSeenMs: number,
    ...change
  }
}

function setUp() {
  const directory = temporaryDirectory()
  const log = recordingLog()
  return { directory, path: join(directory, FILE), log, routes: new Routes({ directory, log }) }
}

describe('Routes', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('writes a versioned file, private and whole, that another reader understands', async () => {
    const { directory, path, log, routes } = setUp()
    routes.save([entryOf(1)])
    await routes.flush()
    const { instance, ...route } = entryOf(1)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ version: 1, instances: { [instance]: route } })
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
    expect(readdirSync(directory)).toEqual([FILE])
    expect(new Routes({ directory, log }).load()).toEqual([entryOf(1)])
    expect(log.lines).toEqual([])
  })

  it('S-03: writes once per delay, however often it is saved, and the newest', () => {
    const { directory, path, log, routes } = setUp()
    for (let i = 1; i <= 100; i++) {
      routes.save([entryOf(i)])
      vi.advanceTimersByTime(40)
    }
    expect(readdirSync(directory)).toEqual([])
    vi.advanceTimersByTime(DELAY_MS - 4_000)
    const first = readFileSync(path, 'utf8')
    expect(first).toContain(instanceOf(100))
    routes.save([entryOf(101)])
    vi.advanceTimersByTime(DELAY_MS - 1)
    expect(readFileSync(path, 'utf8')).toBe(first)
    vi.advanceTimersByTime(1)
    expect(new Routes({ directory, log }).load()).toEqual([entryOf(101)])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves no timer after flush and close', async () => {
    const { path, routes } = setUp()
    routes.save([entryOf(1)])
    await routes.flush()
    expect(vi.getTimerCount()).toBe(0)
    routes.save([entryOf(2)])
    await routes.close()
    expect(vi.getTimerCount()).toBe(0)
    expect(readFileSync(path, 'utf8')).toContain(instanceOf(2))
  })

  it('S-03: keeps the 1,000 instances seen last', async () => {
    const { directory, log, routes } = setUp()
    routes.save(Array.from({ length: 1_500 }, (_, index) => entryOf(index)))
    await routes.flush()
    const loaded = new Routes({ directory, log }).load()
    expect(loaded).toHaveLength(1_000)
    expect(Math.min(...loaded.map(entry => entry.lastSeenMs))).toBe(500)
  })

  it('leaves out what it could not read back', async () => {
    const { directory, log, routes } = setUp()
    const many = Array.from({ length: 40 }, (_, index) => `/ip4/127.0.0.1/tcp/${index}`)
    routes.save([
      entryOf(1, { addresses: many }),
      entryOf(2, { instance: '__proto__' }),
      entryOf(3, { seq: 1.5 }),
      entryOf(4, { label: 'x'.repeat(1_000) })
    ])
    await routes.flush()
    expect(log.lines).toEqual([
      { level: 'warn', message: 'routes that do not fit their file were left out', fields: { count: 3 } }
    ])
    expect(new Routes({ directory, log }).load()).toEqual([entryOf(1, { addresses: many.slice(0, 16) })])
  })

  const valid = {
    version: 1,
    instances: { [instanceOf(1)]: { peer: 'p', label: '', addresses: [], seq: 0, lastSeenMs: 0 } }
  }
  const route = valid.instances[instanceOf(1)]
  it.each([
    ['an empty file', ''],
    ['half a file', JSON.stringify(valid).slice(0, 40)],
    ['a newer version', JSON.stringify({ ...valid, version: 2 })],
    ['an unknown key', JSON.stringify({ ...valid, more: 1 })],
    [
      'an unknown key in a route',
      JSON.stringify({ version: 1, instances: { [instanceOf(1)]: { ...route, more: 1 } } })
    ],
    ['a wrong type', JSON.stringify({ version: 1, instances: { [instanceOf(1)]: { ...route, seq: '1' } } })],
    ['a key that is no instance', JSON.stringify({ version: 1, instances: { constructor: route } })],
    ['an array', '[]'],
    ['binary', '\u0000\u0001']
  ])('R-10: sets %s aside, says so, and starts empty', (_, text) => {
    const { directory, path, log, routes } = setUp()
    writeFileSync(path, text)
    expect(routes.load()).toEqual([])
    expect(readdirSync(directory)).toEqual([`${FILE}.corrupt-1`])
    expect(readFileSync(`${path}.corrupt-1`, 'utf8')).toBe(text)
    expect(log.lines).toHaveLength(1)
    expect(log.lines[0]).toMatchObject({ level: 'error', fields: { aside: `${path}.corrupt-1` } })
  })

  it('S-27: takes nothing from a __proto__ key', () => {
    const { path, routes } = setUp()
    writeFileSync(path, `{"version":1,"instances":{"__proto__":${JSON.stringify(route)}}}`)
    expect(routes.load()).toEqual([])
    expect(Object.hasOwn(Object.prototype, 'peer')).toBe(false)
  })

  it("sets the predecessor's file aside, says so, and gives its routes as hints at every start while it is there", async () => {
    const { directory, path, log, routes } = setUp()
    const text = readFileSync(new URL('../fixtures/predecessor/instance-peer.json', import.meta.url), 'utf8')
    writeFileSync(path, text)
    expect(routes.load()).toEqual([])
    expect(routes.hints().map(({ label }) => label)).toEqual(['ana-laptop', 'ben-vm'])
    const aside = `${path}.predecessor`
    expect(log.lines).toMatchObject([
      { level: 'info', fields: { path, aside, count: 2, dropped: 0 } },
      { level: 'debug', fields: { count: 2, dropped: 0 } }
    ])
    routes.save([entryOf(1)])
    await routes.flush()
    const again = new Routes({ directory, log: recordingLog() })
    expect(again.load()).toEqual([entryOf(1)])
    expect(again.hints()).toHaveLength(2)
    expect(readFileSync(aside, 'utf8')).toBe(text)
    rmSync(aside)
    expect(again.hints()).toEqual([])
    expect(readdirSync(directory)).toEqual([FILE])
  })

  it('has no hints, and touches nothing, where the file that was set aside is unusable', () => {
    const { directory, path, log, routes } = setUp()
    writeFileSync(`${path}.predecessor`, '{')
    expect([routes.load(), routes.hints()]).toEqual([[], []])
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { path: `${path}.predecessor` } }])
    expect(readdirSync(directory)).toEqual([`${FILE}.predecessor`])
  })

  it('says so when a file cannot be set aside, and starts empty', () => {
    const { directory, path, log, routes } = setUp()
    writeFileSync(path, readFileSync(new URL('../fixtures/predecessor/instance-peer.json', import.meta.url)))
    mkdirSync(join(`${path}.predecessor`, 'in-the-way'), { recursive: true })
    expect(routes.load()).toEqual([])
    expect(log.lines.map(({ level }) => level)).toEqual(['error'])
    expect(readdirSync(directory)).toEqual([FILE, `${FILE}.predecessor`])
  })

  it('S-03: costs nothing to save, however many entries there are', () => {
    const { routes } = setUp()
    const entries = Array.from({ length: 1_000 }, (_, index) => entryOf(index))
    const startMs = performance.now()
    for (let i = 0; i < 10_000; i++) routes.save(entries)
    // Checking each entry each time took minutes.
    expect(performance.now() - startMs).toBeLessThan(5_000)
  })

  it('numbers corrupt files and keeps ten of them', () => {
    const { directory, path, routes } = setUp()
    for (let i = 1; i <= 12; i++) {
      writeFileSync(path, `corrupt ${i}`)
      routes.load()
    }
    expect(readdirSync(directory)).toHaveLength(10)
    expect(readFileSync(`${path}.corrupt-1`, 'utf8')).toBe('corrupt 1')
    expect(readFileSync(`${path}.corrupt-10`, 'utf8')).toBe('corrupt 12')
  })

  it('keeps what it could not write for the next try, and goes on', async () => {
    const { directory, path, log, routes } = setUp()
    mkdirSync(join(path, 'in-the-way'), { recursive: true })
    routes.save([entryOf(1)])
    vi.advanceTimersByTime(DELAY_MS)
    expect(log.lines.map(line => line.level)).toEqual(['warn'])
    await expect(routes.flush()).rejects.toMatchObject({ code: 'store_failed', retryable: true })
    expect(readdirSync(directory)).toEqual([FILE])
    rmSync(path, { recursive: true })
    await routes.flush()
    expect(new Routes({ directory, log }).load()).toEqual([entryOf(1)])
  })
})
