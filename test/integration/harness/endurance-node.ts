import { channel } from 'node:diagnostics_channel'
import { readdirSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { SendResult } from '../../../src/control/methods.ts'
import type { RpcHandler } from '../../../src/control/rpc.ts'
import type { Log } from '../../../src/mesh/ports.ts'
import { parseSettings } from '../../../src/settings/index.ts'
import type { CutRequest, FloodRequest, FloodResult, Gauges, Memory, NodeRequest, Shown } from './endurance.ts'
import { rpcToParent } from './ipc.ts'

/**
 * One engine in a process of its own, told over IPC what to do and asked what it costs. It sees the libp2p node inside, so that connections and
 * streams are counted where they are, not in our own gauges.
 */

/** A text that holds the display up for ever. */
const STUCK = 'stuck'

const LINK_PROTOCOL = '/libp2p-mesh/1.0.0'
const SEEN_LIBP2P = new URL('./libp2p.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'libp2p' && context.parentURL?.endsWith('/src/node/assemble.ts') === true
      ? next(SEEN_LIBP2P, context)
      : next(specifier, context)
})

const request = JSON.parse(process.argv[2] ?? '') as NodeRequest
const { LIBP2P_NODE, LIBP2P_OPTIONS } = await import('../../node/seen-libp2p.ts')
const { startEngine } = await import('../../../src/engine/engine.ts')

let libp2p: Libp2p | undefined
let opened = 0
channel(LIBP2P_OPTIONS).subscribe(message => {
  const { addresses } = message as { addresses?: { announce?: string[] } }
  if (request.announce !== undefined && addresses !== undefined) addresses.announce = request.announce
})
channel(LIBP2P_NODE).subscribe(message => {
  libp2p = message as Libp2p
  libp2p.addEventListener('connection:open', () => opened++)
})

/** The most there ever was at a time. Looked at often enough that whatever stays for a few messages is seen. */
let peak: Gauges['peak'] = { connections: 0, links: 0, streams: 0 }
const PEAK_EVERY_MS = 20
setInterval(() => {
  const connections = libp2p?.getConnections() ?? []
  const streams = connections.flatMap(connection => connection.streams)
  peak.connections = Math.max(peak.connections, connections.length)
  peak.links = Math.max(peak.links, streams.filter(({ protocol }) => protocol === LINK_PROTOCOL).length)
  peak.streams = Math.max(peak.streams, streams.length)
}, PEAK_EVERY_MS).unref()

/** TCP sockets of this process, whoever opened them. */
const sockets = new Set<Socket>()
for (const name of ['net.client.socket', 'net.server.socket']) {
  channel(name).subscribe(message => {
    const { socket } = message as { socket: Socket }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
}

const complaints: string[] = []
const quiet = (): void => undefined
const loud = (message: string, fields?: Record<string, unknown>): void =>
  void complaints.push(`${message} ${JSON.stringify(fields ?? {})}`)
const ends: string[] = []
const quietly = (message: string, fields?: Record<string, unknown>): void => {
  if (message === 'link aborted') ends.push(`${message} ${JSON.stringify(fields ?? {})}`)
}
const log: Log = { debug: quietly, info: quiet, warn: loud, error: loud }

/** What was shown: per conversation the number of the last text, which grows by one with each. */
const shown: Shown = { count: 0, twice: 0, outOfOrder: 0 }
const last = new Map<string, number>()
const links = { up: 0, down: 0 }

const stop = new AbortController()
const engine = await startEngine(
  {
    stateDir: request.stateDir,
    settings: parseSettings({ discovery: 'bootstrap', ...request.settings }, 'endurance'),
    pendingSettings: [],
    version: '0.0.0',
    program: 'the endurance test'
  },
  {
    log,
    notices: { notify: async () => undefined },
    event: event => {
      if (event.type === 'peer') links[event.state === 'connected' ? 'up' : 'down']++
    },
    display: {
      async show({ conversation, text }) {
        // A channel that takes a text and never says what came of it.
        if (text === STUCK) return await new Promise(() => undefined)
        const number = Number(text.split(' ', 1)[0])
        const before = last.get(conversation) ?? -1
        if (number === before + 1) last.set(conversation, number)
        else shown[number <= before ? 'twice' : 'outOfOrder']++
        shown.count++
        return { outcome: 'done' }
      }
    }
  },
  { signal: stop.signal }
)

/** Texts are numbered per conversation, also over several floods. */
const numbers = new Map<string, number>()

async function flood({ target, count, conversations, level, bytes, atOnce }: FloodRequest): Promise<FloodResult> {
  const startedMs = performance.now()
  const levels: Record<string, number> = {}
  let begun = 0
  const sender = async (): Promise<void> => {
    while (begun < count) {
      const conversation = (begun++ % conversations).toString(16).padStart(32, '0')
      const number = numbers.get(conversation) ?? 0
      numbers.set(conversation, number + 1)
      const params = { target, conversation, text: `${number} `.padEnd(bytes, 'x'), waitFor: level, timeoutMs: 60_000 }
      const sent = (await engine.call('send', params)) as SendResult
      levels[sent.level] = (levels[sent.level] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: atOnce }, sender))
  return { levels, ms: performance.now() - startedMs }
}

function gauges(): Gauges {
  const connections = libp2p?.getConnections() ?? []
  const streams: Record<string, number> = {}
  for (const { protocol, direction } of connections.flatMap(connection => connection.streams)) {
    const key = `${direction} ${protocol}`
    streams[key] = (streams[key] ?? 0) + 1
  }
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  const size = (name: string): number =>
    statSync(join(request.stateDir, 'libp2p', name), { throwIfNoEntry: false })?.size ?? 0
  const highest = peak
  peak = { connections: 0, links: 0, streams: 0 }
  return {
    connections: connections.length,
    opened,
    peak: highest,
    links: connections
      .flatMap(connection => connection.streams.map(stream => ({ connection, stream })))
      .filter(({ stream }) => stream.protocol === LINK_PROTOCOL)
      .map(({ connection, stream }) => `${connection.direction} ${stream.direction} ${stream.id} ${stream.status}`),
    streams,
    tcp: [...sockets].filter(({ remotePort }) => remotePort !== undefined).length,
    resources,
    descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
    shown,
    linkUps: links.up,
    linkDowns: links.down,
    storeBytes: size('mesh.sqlite') + size('mesh.sqlite-wal'),
    complaints,
    ends
  }
}

async function memory(): Promise<Memory> {
  // Twice: the first collection runs finalizers, whose garbage the second takes.
  for (let round = 0; round < 2; round++) {
    global.gc?.()
    await new Promise(resolve => setImmediate(resolve))
  }
  const { heapUsed, rss } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return { heapBytes: heapUsed, rssBytes: rss, cpuMs: Math.round((user + system) / 1000) }
}

async function cut({ how }: CutRequest): Promise<void> {
  for (const connection of libp2p?.getConnections() ?? []) {
    if (how === 'close') await connection.close()
    else if (how === 'abort') connection.abort(new Error('cut by the test'))
  }
  if (how !== 'reset') return
  for (const socket of sockets) if (socket.remotePort !== undefined) socket.resetAndDestroy()
}

const handlers: Record<string, RpcHandler> = {
  call: async params => {
    const { method, params: inner } = params as { method: string; params: unknown }
    return await engine.call(method, inner)
  },
  flood: async params => await flood(params as FloodRequest),
  gauges: async () => gauges(),
  memory: async () => await memory(),
  cut: async params => await cut(params as CutRequest),
  dial: async params => {
    await libp2p?.dial(multiaddr(params as string))
  },
  stop: async () => {
    stop.abort()
    await engine.ended
  }
}

await rpcToParent(handlers).call('ready', undefined)
