import type { HostPorts } from '../control/bridge.ts'
import { type Method, methods } from '../control/methods.ts'
import { callMethod, serveMethods } from '../control/server.ts'
import { controlSocketPath, listenControl } from '../control/socket.ts'
import { MeshError } from '../mesh/errors.ts'
import type { HostRound } from '../mesh/host-approvals.ts'
import { Mesh } from '../mesh/mesh.ts'
import type { Clock, Store } from '../mesh/ports.ts'
import { instanceOf } from '../mesh/trust.ts'
import { createNode } from '../node/index.ts'
import type { LiveSettings, Settings } from '../settings/index.ts'
import { acquireLock, openKeyFile, openStore, prepareSocketPath, signerOf } from '../store/index.ts'
import type { KeyFile } from '../store/key-file.ts'
import { systemClock } from './clock.ts'
import { adviceProgram } from './program.ts'
import { whenRoom } from './room.ts'

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
  const { stateDir } = options
  const { log } = host
  const clock = systemClock()
  await using stack = new AsyncDisposableStack()

  const tell = (reason: string): void => {
    log.error(reason)
    host.event({ type: 'waiting', reason })
  }
  const room = { stateDir, clock, tell, signal }
  const lock = await whenRoom(() => acquireLock(stateDir, { program: options.program }), room)
  stack.defer(() => lock.release())
  const key = await whenRoom(() => openKeyFile(stateDir, { log }), room)
  const store = await whenRoom(() => openStore({ dir: stateDir, log, clock }), room)
  stack.defer(() => store.close())
  const { mesh, running, held } = await whenRoom(() => startMesh(options, host, { key, store, clock }), room)
  stack.use(held)
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

/** Node and mesh, ready. What they write at their start may meet a full disk, so all of it is taken down again where it fails. */
async function startMesh(
  { settings, stateDir, program, version, pendingSettings }: EngineOptions,
  host: HostPorts,
  { key, store, clock }: { key: KeyFile; store: Store; clock: Clock }
): Promise<{ mesh: Mesh; running: Promise<void>; held: AsyncDisposableStack }> {
  const { log } = host
  await using stack = new AsyncDisposableStack()
  let carried = (_peer: string): boolean => false
  const network = await createNode(
    { privateKeyProtobuf: key.protobuf, log, clock },
    {
      ...settings,
      topics: [settings.meshTopic],
      denied: peer => isBlocked(store, peer),
      carries: peer => carried(peer)
    }
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
      onUnknown: settings.onUnknown,
      version,
      pendingSettings,
      program: adviceProgram(program, stateDir)
    }
  )
  carried = peer => mesh.admits(peer)
  const stopped = new AbortController()
  const running = mesh.run(stopped.signal)
  stack.defer(async () => {
    stopped.abort(new MeshError('aborted'))
    // Why it ended is told by whoever waits for it below; a second throw here would hide that.
    await Promise.allSettled([running])
  })
  // A mesh that fails before it is ready rejects `running`, and with it the start.
  await Promise.race([mesh.ready(), running])
  return { mesh, running, held: stack.move() }
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
