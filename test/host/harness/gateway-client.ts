// The gateway's own WebSocket protocol, version 4, as a trusted local backend: on a direct loopback connection with the
// shared token, client `gateway-client` in mode `backend` needs no device key (docs/gateway/protocol/handshake.md).

const PROTOCOL_VERSION = 4
/** Everything the CLI's operator may do; the harness stands for the owner at the keyboard. */
const OWNER_SCOPES = ['operator.admin', 'operator.read', 'operator.write', 'operator.approvals', 'operator.pairing']
/** A call that takes longer than this on loopback is stuck. */
const CALL_LIMIT_MS = 60_000

export interface RpcOptions {
  readonly timeoutMs?: number
}

/** What the gateway answered with `ok: false`. */
export class GatewayCallError extends Error {
  override readonly name = 'GatewayCallError'
  readonly code: string
  readonly details: unknown

  constructor(method: string, error: { readonly code: string; readonly message: string; readonly details?: unknown }) {
    super(`${method}: ${error.message}`)
    this.code = error.code
    this.details = error.details
  }
}

export interface GatewayClient extends AsyncDisposable {
  /** Calls an RPC method; rejects with GatewayCallError for a refusal, with Error when the connection ends first. */
  call(method: string, params?: unknown, options?: RpcOptions): Promise<unknown>
  readonly closed: boolean
}

interface Pending {
  readonly method: string
  readonly resolve: (payload: unknown) => void
  readonly reject: (error: Error) => void
}

interface Frame {
  readonly type: string
  readonly id?: string
  readonly event?: string
  readonly ok?: boolean
  readonly payload?: unknown
  readonly error?: { readonly code: string; readonly message: string; readonly details?: unknown }
}

export async function connectGateway(port: number, token: string): Promise<GatewayClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
  const pending = new Map<string, Pending>()
  let nextId = 0
  let closed = false

  const challenged = Promise.withResolvers<void>()
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(String(data)) as Frame
    if (frame.type === 'event' && frame.event === 'connect.challenge') challenged.resolve()
    if (frame.type !== 'res' || frame.id === undefined) return
    const call = pending.get(frame.id)
    // Absent where our own deadline was quicker.
    if (call === undefined) return
    if (frame.ok === true) call.resolve(frame.payload)
    else call.reject(new GatewayCallError(call.method, frame.error ?? { code: 'UNKNOWN', message: 'no error given' }))
  })
  socket.addEventListener('close', ({ code, reason }) => {
    closed = true
    const error = new Error(`the gateway closed the connection (${code} ${reason})`)
    challenged.reject(error)
    for (const call of pending.values()) call.reject(error)
  })
  // A failed connection also emits `close`, which settles everything.
  socket.addEventListener('error', () => {})

  async function call(
    method: string,
    params: unknown = {},
    { timeoutMs = CALL_LIMIT_MS }: RpcOptions = {}
  ): Promise<unknown> {
    if (closed) throw new Error(`${method}: the connection to the gateway is closed`)
    const id = String(nextId++)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const timer = setTimeout(() => reject(new Error(`${method}: no answer within ${timeoutMs} ms`)), timeoutMs)
    pending.set(id, { method, resolve, reject })
    try {
      socket.send(JSON.stringify({ type: 'req', id, method, params }))
      return await promise
    } finally {
      clearTimeout(timer)
      pending.delete(id)
    }
  }

  await challenged.promise
  await call('connect', {
    minProtocol: PROTOCOL_VERSION,
    maxProtocol: PROTOCOL_VERSION,
    client: { id: 'gateway-client', version: '1.0.0', platform: process.platform, mode: 'backend' },
    role: 'operator',
    scopes: OWNER_SCOPES,
    caps: [],
    auth: { token }
  })

  return {
    call,
    get closed() {
      return closed
    },
    async [Symbol.asyncDispose]() {
      if (closed) return
      const ended = new Promise(resolve => socket.addEventListener('close', resolve, { once: true }))
      socket.close()
      await ended
    }
  }
}
