import { fingerprintOf, formatInstanceId } from '../protocol/index.ts'
import { assemble, type Parts } from './assembly.ts'
import type { OnUnknown } from './delivery.ts'
import { MeshError } from './errors.ts'
import type { MeshEvent } from './events.ts'
import { guarded } from './guard.ts'
import type { HostRound } from './host-approvals.ts'
import { ownLabel } from './label.ts'
import type { LiveInit, MeshComponents, MeshInit } from './mesh-init.ts'
import { messageDetails, messageList } from './message-list.ts'
import type { MeshHandlers } from './requests.ts'
import { resolveTarget } from './resolve.ts'
import { Retention } from './retention.ts'
import { instanceOf } from './trust.ts'

/**
 * A mesh as its host sees it: `run` it, wait until it is `ready`, ask it through its `handlers`. It knows its ports only, and everything of it
 * ends with `run`.
 */
export class Mesh {
  readonly #components: MeshComponents
  readonly #init: MeshInit
  readonly #self: { instance: string; peer: string }
  readonly #ready = Promise.withResolvers<void>()
  readonly #onEvent: (event: MeshEvent) => void
  readonly #parts: Parts
  #label: string
  #deliveryAckTimeoutMs: number
  #onUnknown: OnUnknown
  #running = false

  constructor(components: MeshComponents, init: MeshInit) {
    const { network, store, signer, log } = components
    this.#components = components
    this.#init = init
    this.#self = { instance: fingerprintOf(signer.publicKey), peer: network.peer }
    this.#label = ownLabel(init.name, { store, log })
    this.#deliveryAckTimeoutMs = init.deliveryAckTimeoutMs
    this.#onUnknown = init.onUnknown
    this.#onEvent = event => guarded(log, 'Telling the host', () => components.onEvent?.(event))
    // Who waits for `ready` may be gone; a start that fails is told through `run`.
    this.#ready.promise.catch(() => undefined)
    this.#parts = assemble(components, init, {
      self: this.#self,
      label: () => this.#label,
      instanceId: () => this.instanceId,
      deliveryAckTimeoutMs: () => this.#deliveryAckTimeoutMs,
      onUnknown: () => this.#onUnknown,
      onEvent: this.#onEvent
    })
  }

  /** `label@fingerprint` */
  get instanceId(): string {
    return formatInstanceId(this.#label, this.#self.instance)
  }

  /** Resolves when the network listens, rejects when the start failed. */
  ready(): Promise<void> {
    return this.#ready.promise
  }

  /** Runs until the signal, once. Returns after a clean stop, in the reverse order of the start; throws what made going on impossible. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#running) throw new MeshError('internal', { detail: 'a mesh runs once' })
    this.#running = true
    try {
      await this.#run(signal)
    } catch (error) {
      this.#ready.reject(error)
      if (!signal.aborted) throw error
    }
    this.#ready.reject(new MeshError('aborted', { cause: signal.reason }))
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { network, store, log } = this.#components
    await using stack = new AsyncDisposableStack()
    stack.defer(() => store.routes.flush())
    stack.defer(() => this.#parts.owner.stop())
    stack.defer(() => this.#parts.outbox.stop())
    stack.defer(() => this.#parts.inbox.stop())
    this.#parts.inbox.recover()
    stack.defer(() => this.#parts.lanes.close())
    stack.defer(() => this.#parts.broadcasts.stop())
    stack.defer(() => this.#parts.ownRequests.stop())
    await network.start(this.#parts.events, { signal })
    stack.defer(() => network.stop())
    this.#parts.presence.start()
    stack.defer(() => this.#parts.presence.stop())
    stack.defer(() => this.#parts.shortcuts.stop())
    this.#parts.aftermath.start()
    stack.defer(() => this.#parts.aftermath.stop())
    this.#parts.endings.start()
    stack.defer(() => this.#parts.endings.stop())
    const retention = new Retention(this.#components)
    retention.start()
    stack.defer(() => retention.stop())
    // From here on calls are answered; the first thing at the end is that nobody waits any more.
    stack.defer(() => this.#parts.sending.stop())
    log.info(`Node started. Peer ID: ${network.peer}`)
    this.#ready.resolve()
    const { peer } = network
    this.#onEvent({ type: 'ready', peerId: peer, instanceId: this.instanceId, addresses: network.addresses() })
    await this.#parts.dispatch.run(signal)
  }

  /** Whether the owner let this peer in. */
  admits(peer: string): boolean {
    const named = instanceOf(peer)
    return named !== undefined && this.#parts.trust.admitted(named.instance)
  }

  /** New settings, in force at once: who is no longer admitted is disconnected, turns that may do less end, a new name is announced. */
  update({ dmPolicy, allowFrom, name, deliveryAckTimeoutMs, onUnknown, ...tiers }: LiveInit): void {
    const before = this.#label
    this.#label = ownLabel(name, this.#components)
    this.#deliveryAckTimeoutMs = deliveryAckTimeoutMs
    this.#onUnknown = onUnknown
    this.#parts.tiers.update(tiers)
    // Tells whoever looks at the tiers too.
    this.#parts.trust.update({ dmPolicy, allowFrom })
    if (this.#label !== before) this.#parts.events.announce()
  }

  /** What the owner approved in the host's own list; says what of it is done, and what waits here. */
  hostApprovals(entries: string[]): HostRound {
    return this.#parts.approvals.take(entries)
  }

  /** The control methods. Each rejects with MeshError. */
  handlers(): MeshHandlers {
    const { clock, store } = this.#components
    const kept = { store, trust: this.#parts.trust, routes: this.#parts.routes }
    return {
      status: async () => this.#parts.report.status(),
      peers: async () => this.#parts.report.peers(),
      budget: async () => this.#parts.report.budget(),
      send: async (request, options) => await this.#parts.sending.send(request, options),
      broadcast: async ({ text, topic = this.#init.meshTopic }) => {
        if (topic !== this.#init.meshTopic) throw new MeshError('topic_unknown', { detail: topic })
        const startMs = clock.monotonicMs()
        const { id, recipients } = await this.#parts.broadcasts.publish(text, topic)
        return { id, topic, recipients, ms: Math.round(clock.monotonicMs() - startMs) }
      },
      ...this.#parts.ownerActs.handlers(),
      ...this.#parts.outboxActs.handlers(),
      messages: async ({ limit }) => messageList(limit, kept),
      inbound: async ({ id }) => messageDetails(id, kept),
      ...this.#parts.pinging.handlers(),
      netcheck: async (_, options) => await this.#components.network.diagnostics.netcheck(options),
      resolve: async ({ target }) => {
        const { instance } = resolveTarget(target, {
          trust: this.#parts.trust,
          routes: this.#parts.routes,
          self: this.#self
        })
        return this.#parts.report.peer(instance)
      }
    }
  }
}
