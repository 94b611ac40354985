import { MeshError } from '../mesh/errors.ts'
import { type Handlers, type Method, methods } from './methods.ts'
import type { RpcHandler } from './rpc.ts'

/** Handlers for an Rpc end: parameters are parsed here, once, and refused with the name of the first wrong one. */
export function serveMethods(handlers: Handlers): Record<string, RpcHandler> {
  const served: Record<string, RpcHandler> = {}
  for (const method of Object.keys(methods) as Method[])
    served[method] = (params, options) => callMethod(handlers, method, params, options)
  return served
}

/** Parses the parameters of one method and calls its handler. */
export async function callMethod(
  handlers: Handlers,
  method: Method,
  params: unknown,
  options: { signal?: AbortSignal } = {}
): Promise<unknown> {
  const parsed = methods[method].params.safeParse(params ?? {})
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new MeshError('bad_request', {
      detail: `${issue?.path.join('.') || method}: ${issue?.message ?? 'not understood'}`
    })
  }
  const handler = handlers[method] as (params: unknown, options: { signal?: AbortSignal }) => Promise<unknown>
  return await handler(parsed.data, options)
}
