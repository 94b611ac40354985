import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import {
  bridgeToHost,
  ENGINE_APPROVALS,
  ENGINE_START,
  ENGINE_STOP,
  ENGINE_UPDATE,
  type HostShape
} from '../control/bridge.ts'
import { methods } from '../control/methods.ts'
import { portChannel } from '../control/port-channel.ts'
import { Rpc, type RpcHandler } from '../control/rpc.ts'
import type { LiveSettings } from '../settings/index.ts'
import { type Engine, type EngineOptions, startEngine } from './engine.ts'

/** What the host's thread passes as workerData. */
export interface EngineWorkerData {
  libp2pMesh: { options: EngineOptions; shape: HostShape }
}

/** Serves one engine over the port of this worker thread until it is told to stop. */
export function serveWorker(port: MessagePort, data: EngineWorkerData['libp2pMesh']): void {
  const stop = new AbortController()
  let starting: Promise<Engine> | undefined
  const engine = async (): Promise<Engine> => {
    starting ??= startEngine(data.options, bridge.ports, { signal: stop.signal })
    return await starting
  }
  const bridge = bridgeToHost(() => rpc, data.shape)
  const handlers: Record<string, RpcHandler> = {
    ...bridge.handlers,
    [ENGINE_START]: async () => {
      const { ended } = await engine()
      // An engine that cannot go on ends the thread; the host restarts it.
      ended.catch((error: unknown) => {
        queueMicrotask(() => {
          throw error
        })
      })
    },
    [ENGINE_UPDATE]: async params => (await engine()).update(params as LiveSettings),
    [ENGINE_APPROVALS]: async params => (await engine()).hostApprovals((params as { entries: string[] }).entries),
    [ENGINE_STOP]: async () => {
      stop.abort()
      if (starting === undefined) return
      const started = await Promise.allSettled([starting])
      if (started[0].status === 'fulfilled') await started[0].value.ended
    }
  }
  for (const method of Object.keys(methods))
    handlers[method] = async (params, options) => await (await engine()).call(method, params, options)
  const rpc = new Rpc({ channel: portChannel(port) }, { handlers })
}

/** True in a thread that a host started for the engine. */
function isEngineWorker(data: unknown): data is EngineWorkerData {
  return typeof data === 'object' && data !== null && 'libp2pMesh' in data
}

if (parentPort !== null && isEngineWorker(workerData)) serveWorker(parentPort, workerData.libp2pMesh)
