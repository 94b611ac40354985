import {
  callGatewayFromCli,
  ErrorCodes,
  errorShape,
  isGatewayClientRequestError,
  isGatewayTransportError
} from 'openclaw/plugin-sdk/gateway-runtime'
import { type ControlClient, controlClient } from '../control/client.ts'
import { type Method, methods, type Params } from '../control/methods.ts'
import { MeshError, type MeshErrorCode, type MeshErrorDetails } from '../mesh/errors.ts'
import { PLUGIN_ID } from '../settings/plugin-id.ts'
import type { HostApi } from './host-types.ts'
import { liveAccount } from './slot.ts'
import { reportStatus } from './status.ts'
import { sentenceFor } from './words.ts'

/** A command waits for an agent's answer at most this long; the gateway's answer comes at the end of it. */
const CALL_TIMEOUT_MS = 3_660_000

/** Key under which an error of ours travels in the details of a gateway error. */
const MESH_ERROR = 'libp2pMesh'

/** `libp2p-mesh.<method>` for each control method; questions need the read scope, the rest the write scope. */
export function registerRpc(api: HostApi): void {
  for (const method of Object.keys(methods) as Method[]) {
    api.registerGatewayMethod(
      `${PLUGIN_ID}.${method}`,
      async ({ params, respond, signal }) => {
        try {
          const { client } = liveAccount()
          respond(
            true,
            method === 'status'
              ? await reportStatus(client, { signal })
              : await client.call(method, params as Params<typeof method>, { signal })
          )
        } catch (error) {
          respond(
            false,
            undefined,
            errorShape(ErrorCodes.UNAVAILABLE, await sentenceFor(error), {
              details: { [MESH_ERROR]: meshErrorOf(error) }
            })
          )
        }
      },
      { scope: methods[method].changes ? 'operator.write' : 'operator.read' }
    )
  }
}

/** The control client of a CLI process: asks the gateway. */
export function gatewayClient(): ControlClient {
  return controlClient({
    call: async (method, params, options) => {
      try {
        return await callGatewayFromCli(`${PLUGIN_ID}.${method}`, { timeout: String(CALL_TIMEOUT_MS) }, params, {
          progress: false,
          signal: options?.signal
        })
      } catch (error) {
        throw restoreError(error)
      }
    },
    close: () => undefined
  })
}

function meshErrorOf(error: unknown): { code: MeshErrorCode; details: MeshErrorDetails } {
  if (!(error instanceof MeshError))
    return { code: 'internal', details: { detail: error instanceof Error ? error.message : String(error) } }
  const { cause: _, ...details } = error.details
  return { code: error.code, details: { ...details, retryable: error.retryable } }
}

/** Our own error out of a gateway error, or one sentence's worth of what kept the gateway from answering. */
function restoreError(error: unknown): unknown {
  if (isGatewayTransportError(error)) return new MeshError('not_running', { cause: error })
  if (!(error instanceof Error) || error.name === 'AbortError') return error
  if (isGatewayClientRequestError(error)) {
    const carried = carriedError(error.details)
    if (carried !== undefined) return new MeshError(carried.code, { ...carried.details, cause: error })
    // A gateway without this plugin knows none of its methods.
    if (error.message.startsWith('unknown method')) return new MeshError('not_running', { cause: error })
  }
  const [detail] = error.message.split('\n')
  return new MeshError('internal', { detail, cause: error })
}

/** Written by meshErrorOf in the gateway: this package, in this release or another. */
function carriedError(details: unknown): { code: MeshErrorCode; details: MeshErrorDetails } | undefined {
  if (typeof details !== 'object' || details === null) return undefined
  return Reflect.get(details, MESH_ERROR) as { code: MeshErrorCode; details: MeshErrorDetails } | undefined
}
