import { callGatewayFromCli, ErrorCodes, errorShape } from 'openclaw/plugin-sdk/gateway-runtime'
import { type ControlClient, controlClient } from '../control/client.ts'
import { type Method, methods } from '../control/methods.ts'
import { MeshError, type MeshErrorCode, type MeshErrorDetails } from '../mesh/errors.ts'
import { PLUGIN_ID } from '../settings/manifest.ts'
import type { HostApi } from './host-types.ts'
import { liveAccount } from './slot.ts'
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
          respond(true, await liveAccount().client.call(method, params as never, { signal }))
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

/** Our own error out of a gateway error; anything else means that no gateway answered. */
function restoreError(error: unknown): MeshError {
  const details =
    typeof error === 'object' && error !== null
      ? (Reflect.get(error, 'details') as Record<string, unknown> | undefined)
      : undefined
  const carried = details?.[MESH_ERROR] as { code: MeshErrorCode; details: MeshErrorDetails } | undefined
  if (carried !== undefined) return new MeshError(carried.code, { ...carried.details, cause: error })
  return new MeshError('not_running', { detail: error instanceof Error ? error.message : String(error), cause: error })
}
