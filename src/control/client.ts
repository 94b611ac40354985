import { type Method, methods, type Params, type Result } from './methods.ts'
import type { Rpc } from './rpc.ts'

/** Asks a running mesh, wherever it runs. Errors are MeshErrors. */
export interface ControlClient {
  call<M extends Method>(method: M, params: Params<M>, options?: { signal?: AbortSignal }): Promise<Result<M>>
  close(): Promise<void>
}

/** A client over an Rpc end; results are parsed at this border. */
export function controlClient(rpc: Pick<Rpc, 'call' | 'close'>): ControlClient {
  return {
    async call(method, params, options) {
      const value = await rpc.call(method, params, options)
      return methods[method].result.parse(value) as Result<typeof method>
    },
    async close() {
      rpc.close()
    }
  }
}
