import type { HostPorts } from '../control/bridge.ts'
import { type Method, methods } from '../control/methods.ts'
import { callMethod, serveMethods } from '../control/server.ts'
import { controlSocketPath, listenControl } from '../control/socket.ts'
import { MeshError } from '../mesh/errors.ts'
import type { HostRound } from '../mesh/host-approvals.ts'
import { Mesh } from '../mesh/mesh.ts'
import type { Store } from '../mesh/ports.ts'
import { instanceOf } from '../mesh/trust.ts'
import { createNode } from '../node/index.ts'
import type { LiveSettings, Settings } from '../settings/index.ts'
import { acquireLock, openKeyFile, openStore, prepareSocketPath, signerOf } from '../store/index.ts'
import { systemClock } from './clock.ts'
import { adviceProgram } from './program.ts'

/** What the engine is started with; it crosses a thread border, so it holds plain values only. */
export interface EngineOptions {
  stateDir: string
  settings: Settings
  /** Settings that were asked for and have no effect yet, for status. */
  pendingSettings: string[]
  /** Version of the package, for status. */
  version: string
  /** Who runs it, for the message that a second process gets. */
  program: string
}

export interface Engine {
  /** One control method, as the socket serves it. */
  call(method: string, params: unknown, options?: { signal?: AbortSignal }): Promise<unknown>
  /** Settings that need no restart, in force at once. */
  update(live: LiveSettings): void
  /** Entries of the host's list of approved senders. */
  hostApprovals(entries: string[]): HostRound
  /** Settles when the engine has ended: resolves after a stop, rejects when it could not go on. */
  readonly ended: Promise<void>
}

/**
 * Builds store, node and mesh, starts them and serves the control socket. Resolves when the node listens; never waits for the network.
 * Ends in exact reverse order when the signal fires.
 *
 * @throws MeshError `state_locked`, `key_unreadable`, `store_failed`
 */
export async function startEngine(
  options: EngineOptions,
  host: HostPorts,
  { signal }: { signal: AbortSignal }
): Promise<Engine> {
  const { stateDir, settings } = options
  const { log } = host
  const clock = systemClock()
  await using stack = new AsyncDisposableStack()

  const lock = acquireLock(stateDir, { program: options.program })
  stack.defer(() => lock.release())
  const key = openKeyFile(stateDir, { log })
  const store = openStore({ dir: stateDir, log, clock })
  stack.defer(() => store.close())
  const network = await createNode(
    { privateKeyProtobuf: key.protobuf, log },
    { ...settings, topics: [settings.meshTopic], denied: peer => isBlocked(store, peer) }
  )

  const mesh = new Mesh(
    {
      network,
      store,
      signer: signerOf(key),
      clock,
      log,
      agent: host.agent,
      display: host.display,
      notices: host.notices,
      onEvent: event => host.event(event)
    },
    {
      name: settings.name,
      meshTopic: settings.meshTopic,
      dmPolicy: settings.dmPolicy,
      allowFrom: settings.allowFrom,
      deliveryAckTimeoutMs: settings.deliveryAckTimeoutMs,
      notifyOnly: settings.notifyOnly,
      trustedTools: settings.trustedTools,
      version: options.version,
      pendingSettings: options.pendingSettings,
      program: adviceProgram(options.program, stateDir)
    }
  )
  const stopped = new AbortController()
  const running = mesh.run(stopped.signal)
  stack.defer(async () => {
    stopped.abort(new MeshError('aborted'))
    // Why it ended is told by whoever waits for it below; a second throw here would hide that.
    await Promise.allSettled([running])
  })
  // A mesh that fails before it is ready rejects `running`, and with it the start.
  await Promise.race([mesh.ready(), running])
  signal.throwIfAborted()

  const handlers = mesh.handlers()
  const path = controlSocketPath(stateDir)
  prepareSocketPath(path)
  const control = await listenControl(path, serveMethods(handlers))
  stack.defer(() => control.close())

  const started = stack.move()
  return {
    call: async (method, params, callOptions) => {
      if (!Object.hasOwn(methods, method)) throw new MeshError('bad_request', { detail: `unknown method ${method}` })
      return await callMethod(handlers, method as Method, params, callOptions)
    },
    update: live => mesh.update(live),
    hostApprovals: entries => mesh.hostApprovals(entries),
    ended: untilEnd(started, running, signal)
  }
}

/** The owner's block holds at the connection already. It is a record of its own, so the policy has no say in it. */
function isBlocked(store: Store, peer: string): boolean {
  const named = instanceOf(peer)
  return named !== undefined && store.trust.get(named.instance)?.level === 'blocked'
}

/** Waits for the stop signal or the end of the mesh, then takes everything down. */
async function untilEnd(started: AsyncDisposableStack, running: Promise<void>, signal: AbortSignal): Promise<void> {
  await using _ = started
  const { promise: aborted, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (signal.aborted) resolve()
  await Promise.race([aborted, running])
}
