import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rpcToChild } from './ipc.ts'

const PROGRAM = fileURLToPath(new URL('./cycles-node.ts', import.meta.url))

export interface CyclesRequest {
  stateDir: string
  settings: Record<string, unknown>
}

export interface CycleRequest {
  /** Whom to write to, a peer id. */
  target: string
  /** Texts that are accepted in this cycle and under way when it stops. */
  texts: number
  /** Process that is halted once there is a link, so that nobody answers a goodbye. */
  freeze?: number
}

export interface CycleResult {
  startMs: number
  /** From the end of the start to the link. */
  linkMs: number
  stopMs: number
}

/** What a process holds while nothing of ours runs in it. */
export interface Census {
  /** Resources of the event loop by kind, those of which nobody waits included: sockets, servers, timers, ports. */
  resources: Record<string, number>
  /** Open file descriptors; 0 where the system does not tell. */
  descriptors: number
  /** Listeners on the process itself. */
  listeners: number
  /** Warnings that Node gave, such as of too many listeners. */
  warnings: string[]
  /** After a full garbage collection. */
  heapBytes: number
  rssBytes: number
  /** Processor time of the process so far. */
  cpuMs: number
}

export interface Shown {
  count: number
  twice: number
  outOfOrder: number
}

/** A process in which an engine is started and stopped again and again. */
export interface CyclesProcess {
  readonly peerId: string
  /** Starts, links, sends, and stops in the middle of it. */
  cycle(request: CycleRequest): Promise<CycleResult>
  census(): Promise<Census>
  /** Starts once more, waits until nothing is under way here and then for the other side, and stops. Returns what was shown here in all cycles. */
  settle(texts: number, otherSide: () => Promise<void>): Promise<Shown>
  call<T = unknown>(method: string, params?: unknown): Promise<T>
  end(): Promise<number | null>
}

/** The engine runs once before this resolves: its key is made, and everything that is loaded lazily is loaded. */
export async function startCycles(settings: Record<string, unknown>): Promise<CyclesProcess> {
  const stateDir = mkdtempSync(join(tmpdir(), 'cycles-'))
  const request: CyclesRequest = { stateDir, settings }
  const child = fork(PROGRAM, [JSON.stringify(request)], {
    execArgv: [
      '--experimental-transform-types',
      '--disable-warning=ExperimentalWarning',
      '--expose-gc',
      // V8 fills what it gives to young objects to the last page before it looks for room in it: tens of MiB that look like a leak.
      '--max-semi-space-size=1'
    ],
    serialization: 'advanced'
  })
  const { promise: ended, resolve: end } = Promise.withResolvers<number | null>()
  child.once('exit', code => {
    rmSync(stateDir, { recursive: true, force: true })
    end(code)
  })
  const { promise: ready, resolve } = Promise.withResolvers<string>()
  let settled = async (): Promise<void> => undefined
  const rpc = rpcToChild(child, { ready: async peerId => resolve(peerId as string), settled: () => settled() })
  const died = ended.then(code => Promise.reject(new Error(`the process ended with ${code} before it was ready`)))
  const peerId = await Promise.race([ready, died])
  died.catch(() => undefined)
  return {
    peerId,
    cycle: async cycle => (await rpc.call('cycle', cycle)) as CycleResult,
    census: async () => (await rpc.call('census', undefined)) as Census,
    settle: async (texts, otherSide) => {
      settled = otherSide
      return (await rpc.call('settle', texts)) as Shown
    },
    call: async <T>(method: string, params: unknown = {}) => (await rpc.call('call', { method, params })) as T,
    async end() {
      child.disconnect()
      return await ended
    }
  }
}
