import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Status } from '../../../src/control/methods.ts'
import { rpcToChild } from './ipc.ts'

const WAIT = { timeout: 20_000, interval: 20 }

const PROGRAM = fileURLToPath(new URL('./endurance-node.ts', import.meta.url))

export interface NodeRequest {
  stateDir: string
  settings: Record<string, unknown>
  /** Said in place of the addresses that the node listens on. */
  announce?: string[]
}

export interface FloodRequest {
  target: string
  count: number
  /** Taken in turn. */
  conversations: number
  level: 'received' | 'delivered'
  /** Of each text. */
  bytes: number
  /** Calls under way at a time. */
  atOnce: number
}

export interface FloodResult {
  /** How many calls came to which level. */
  levels: Record<string, number>
  ms: number
}

export interface Shown {
  count: number
  twice: number
  outOfOrder: number
}

export interface CutRequest {
  /** Politely, by libp2p's own abort, or by a reset of the TCP sockets. */
  how: 'close' | 'abort' | 'reset'
}

export interface Gauges {
  /** Open at the moment, and ever opened: as libp2p has them. */
  connections: number
  opened: number
  /** The most at a time since the gauges were read last. */
  peak: { connections: number; links: number; streams: number }
  /** Streams of the link protocol: direction of the connection, direction, id and status of the stream. */
  links: string[]
  /** All streams by direction and protocol. */
  streams: Record<string, number>
  /** Open TCP sockets of the process. */
  tcp: number
  resources: Record<string, number>
  /** Open file descriptors; 0 where the system does not tell. */
  descriptors: number
  shown: Shown
  /** As the host is told. */
  linkUps: number
  linkDowns: number
  storeBytes: number
  /** Warnings and errors in the log. */
  complaints: string[]
  /** Why links ended before they were asked to. */
  ends: string[]
}

export interface Memory {
  heapBytes: number
  rssBytes: number
  /** Processor time of the process so far. */
  cpuMs: number
}

/** An engine in a process of its own. */
export interface EnduranceNode {
  readonly pid: number
  readonly peerId: string
  readonly addresses: string[]
  call<T = unknown>(method: string, params?: unknown): Promise<T>
  flood(request: FloodRequest): Promise<FloodResult>
  gauges(): Promise<Gauges>
  /** After a full garbage collection. */
  memory(): Promise<Memory>
  cut(how: CutRequest['how']): Promise<void>
  dial(address: string): Promise<void>
  /** Resolves with the exit code. */
  stop(): Promise<number | null>
}

/** Starts an engine on loopback that looks for nobody but its `bootstrapList`. */
export async function startEnduranceNode(
  name: string,
  { settings = {}, announce }: { settings?: Record<string, unknown>; announce?: string[] } = {}
): Promise<EnduranceNode> {
  const stateDir = mkdtempSync(join(tmpdir(), `endurance-${name}-`))
  const request: NodeRequest = {
    stateDir,
    settings: { name, listenAddrs: ['/ip4/127.0.0.1/tcp/0'], ...settings },
    ...(announce !== undefined && { announce })
  }
  const child = fork(PROGRAM, [JSON.stringify(request)], {
    execArgv: ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--expose-gc'],
    serialization: 'advanced'
  })
  const { promise: ended, resolve: end } = Promise.withResolvers<number | null>()
  child.once('exit', code => {
    rmSync(stateDir, { recursive: true, force: true })
    end(code)
  })
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const rpc = rpcToChild(child, { ready: async () => resolve() })
  const died = ended.then(code => Promise.reject(new Error(`node ${name} ended with ${code} before it was ready`)))
  await Promise.race([ready, died])
  died.catch(() => undefined)
  const call = async <T>(method: string, params: unknown = {}): Promise<T> =>
    (await rpc.call('call', { method, params })) as T
  const { peerId, addresses } = await call<Status>('status')
  return {
    pid: child.pid ?? 0,
    peerId,
    addresses,
    call,
    flood: async flood => (await rpc.call('flood', flood)) as FloodResult,
    gauges: async () => (await rpc.call('gauges', undefined)) as Gauges,
    memory: async () => (await rpc.call('memory', undefined)) as Memory,
    cut: async how => void (await rpc.call('cut', { how })),
    dial: async address => void (await rpc.call('dial', address)),
    async stop() {
      await rpc.call('stop', undefined)
      child.disconnect()
      return await ended
    }
  }
}

/** Both owners admit the other, of whom one knows the other's address; resolves when they are linked. */
export async function befriend(one: EnduranceNode, other: EnduranceNode): Promise<void> {
  await one.call('approve', { who: other.peerId })
  await other.call('approve', { who: one.peerId })
  await linked(one, other)
}

/** Resolves when both ends have one open link and it is the same. */
export async function linked(one: EnduranceNode, other: EnduranceNode): Promise<void> {
  await expect
    .poll(async () => (await one.gauges()).links.map(mirrored), WAIT)
    .toEqual([expect.stringMatching(/ open$/)])
  await expect
    .poll(async () => [(await other.gauges()).links, (await one.gauges()).links.map(mirrored)], WAIT)
    .toSatisfy(([theirs, ours]: string[][]) => theirs?.length === 1 && theirs[0] === ours?.[0])
}

/** A stream as the other end has it: who dialled and who opened it are the other way round, its number is the same. */
function mirrored(link: string): string {
  return link.replace(/inbound|outbound/g, direction => (direction === 'inbound' ? 'outbound' : 'inbound'))
}
