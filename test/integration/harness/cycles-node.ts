import { createHook } from 'node:async_hooks'
import { readdirSync } from 'node:fs'
import type { SendResult, Status } from '../../../src/control/methods.ts'
import type { RpcHandler } from '../../../src/control/rpc.ts'
import { type Engine, startEngine } from '../../../src/engine/engine.ts'
import { parseSettings } from '../../../src/settings/index.ts'
import type { Census, CycleRequest, CycleResult, CyclesRequest, Shown } from './cycles.ts'
import { rpcToParent } from './ipc.ts'

/** An engine that is started and stopped in one process, told over IPC when. */

const request = JSON.parse(process.argv[2] ?? '') as CyclesRequest

/** Kinds of what a start may leave open. What the event loop itself makes and drops in passing is none of them. */
const KINDS = new Set([
  'Timeout',
  'TCPWRAP',
  'TCPSERVERWRAP',
  'TCPCONNECTWRAP',
  'PIPEWRAP',
  'PIPESERVERWRAP',
  'UDPWRAP',
  'MESSAGEPORT',
  'WORKER',
  'FSEVENTWRAP',
  'STATWATCHER',
  'PROCESSWRAP',
  'SIGNALWRAP'
])

/** Ids of what was made and not destroyed, timers that keep nobody waiting too. */
const open = new Map<number, string>()
createHook({
  init: (id, type) => {
    if (KINDS.has(type)) open.set(id, type)
  },
  destroy: id => open.delete(id)
}).enable()

const warnings: string[] = []
process.on('warning', ({ message }) => warnings.push(message))

const shown: Shown = { count: 0, twice: 0, outOfOrder: 0 }
let last = -1
const quiet = (): void => undefined

/** How long a link, or what waits, may take on a machine with other work. */
const PATIENCE_MS = 60_000

interface Started {
  engine: Engine
  /** Resolves at the first link, whoever dialled. */
  linked: Promise<void>
  stop: () => Promise<void>
}

async function start(): Promise<Started> {
  const end = new AbortController()
  const { promise: linked, resolve: link } = Promise.withResolvers<void>()
  const engine = await startEngine(
    {
      stateDir: request.stateDir,
      settings: parseSettings({ discovery: 'bootstrap', ...request.settings }, 'cycles'),
      pendingSettings: [],
      version: '0.0.0',
      program: 'the cycles test'
    },
    {
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      notices: { notify: async () => undefined },
      event: event => {
        if (event.type === 'peer' && event.state === 'connected') link()
      },
      display: {
        async show({ text }) {
          const number = Number(text)
          if (number === last + 1) last = number
          else shown[number <= last ? 'twice' : 'outOfOrder']++
          shown.count++
          return { outcome: 'done' }
        }
      }
    },
    { signal: end.signal }
  )
  return {
    engine,
    linked,
    stop: async () => {
      end.abort()
      await engine.ended
    }
  }
}

async function inTime(what: string, event: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what} did not come true`)), PATIENCE_MS)
  await Promise.race([event, late]).finally(() => clearTimeout(timer))
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`${what} did not come true`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

const statusOf = async (engine: Engine): Promise<Status> => (await engine.call('status', {})) as Status

let sent = 0

async function cycle({ target, texts, freeze }: CycleRequest): Promise<CycleResult> {
  const beganMs = performance.now()
  const { engine, linked, stop } = await start()
  const startMs = performance.now() - beganMs
  await inTime('the link', linked)
  const linkMs = performance.now() - beganMs - startMs
  if (freeze !== undefined) process.kill(freeze, 'SIGSTOP')
  for (let i = 0; i < texts; i++) {
    const conversation = 'c0'.repeat(16)
    const { id } = (await engine.call('send', { target, text: `${sent} x`, conversation, timeoutMs: 0 })) as SendResult
    if (id !== '') sent++
  }
  const stoppingMs = performance.now()
  await stop()
  return { startMs, linkMs, stopMs: performance.now() - stoppingMs }
}

async function census(): Promise<Census> {
  // Handles are destroyed when their wrappers are collected, some turns of the event loop after they were closed.
  for (let round = 0; round < 4; round++) {
    global.gc?.()
    await new Promise(resolve => setImmediate(resolve))
  }
  const resources: Record<string, number> = {}
  for (const kind of open.values()) resources[kind] = (resources[kind] ?? 0) + 1
  const { heapUsed, rss } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return {
    resources,
    descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    warnings,
    heapBytes: heapUsed,
    rssBytes: rss,
    cpuMs: Math.round((user + system) / 1000)
  }
}

async function settle(texts: number): Promise<Shown> {
  const { engine, stop } = await start()
  await until('an end of all', async () => {
    const { outbox, inbox } = await statusOf(engine)
    return outbox.waiting === 0 && inbox.open === 0 && shown.count >= texts
  })
  await rpc.call('settled', undefined)
  await stop()
  return shown
}

const handlers: Record<string, RpcHandler> = {
  cycle: async params => await cycle(params as CycleRequest),
  census: async () => await census(),
  settle: async params => await settle(params as number),
  call: async params => {
    const { method, params: inner } = params as { method: string; params: unknown }
    const { engine, stop } = await start()
    try {
      return await engine.call(method, inner)
    } finally {
      await stop()
    }
  }
}

const first = await start()
const { peerId } = await statusOf(first.engine)
await first.stop()
const rpc = rpcToParent(handlers)
await rpc.call('ready', peerId)
