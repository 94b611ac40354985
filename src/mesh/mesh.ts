import { fingerprintOf, formatInstanceId, publicKeyOf } from '../protocol/index.ts'
import { AckTracker } from './ack-tracker.ts'
import { Admission } from './admission.ts'
import { Admitters } from './admitters.ts'
import { Aftermath } from './aftermath.ts'
import { Broadcasts } from './broadcast.ts'
import { Budget } from './budget.ts'
import { Contacts } from './contacts.ts'
import type { OnUnknown } from './delivery.ts'
import { Dispatch } from './dispatch.ts'
import { Endings } from './endings.ts'
import { MeshError } from './errors.ts'
import type { MeshEvent } from './events.ts'
import { Gauges } from './gauges.ts'
import { guarded } from './guard.ts'
import { HostApprovals, type HostRound } from './host-approvals.ts'
import { Inbox } from './inbox.ts'
import { ownLabel } from './label.ts'
import { Lanes } from './lanes.ts'
import type { LiveInit, MeshComponents, MeshInit } from './mesh-init.ts'
import { messageDetails, messageList } from './message-list.ts'
import { Namesakes } from './namesakes.ts'
import { NetworkEvents } from './network-events.ts'
import { Outbox } from './outbox.ts'
import { OutboxActs } from './outbox-acts.ts'
import { OwnRequests } from './own-requests.ts'
import { OwnRoute } from './own-route.ts'
import { OwnerActs } from './owner-acts.ts'
import { OwnerNotices } from './owner-notices.ts'
import { Presence } from './presence.ts'
import { ReceiptQueue } from './receipt-queue.ts'
import { Replies } from './replies.ts'
import { Report } from './report.ts'
import type { MeshHandlers } from './requests.ts'
import { resolveTarget } from './resolve.ts'
import { Retention } from './retention.ts'
import { RouteTable } from './route-table.ts'
import { Sending } from './sending.ts'
import { ShownTexts } from './shown-texts.ts'
import { Skips } from './skips.ts'
import { Tickets } from './tickets.ts'
import { Tiers } from './tiers.ts'
import { Trust } from './trust.ts'
import { Twins } from './twins.ts'

const DEFAULT_PROGRAM = 'libp2p-mesh'

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
  readonly #trust: Trust
  readonly #tiers: Tiers
  readonly #routes: RouteTable
  readonly #presence: Presence
  readonly #lanes: Lanes
  readonly #outbox: Outbox
  readonly #aftermath: Aftermath
  readonly #endings: Endings
  readonly #outboxActs: OutboxActs
  readonly #inbox: Inbox
  readonly #dispatch: Dispatch
  readonly #broadcasts: Broadcasts
  readonly #events: NetworkEvents
  readonly #sending: Sending
  readonly #report: Report
  readonly #owner: OwnerActs
  readonly #approvals: HostApprovals
  readonly #ownRequests: OwnRequests
  readonly #notices: OwnerNotices
  #label: string
  #deliveryAckTimeoutMs: number
  #onUnknown: OnUnknown
  #running = false

  constructor(components: MeshComponents, init: MeshInit) {
    const { network, store, signer, clock, log, notices, agent, display } = components
    this.#components = components
    this.#init = init
    this.#self = { instance: fingerprintOf(signer.publicKey), peer: network.peer }
    this.#label = ownLabel(init.name, { store, log })
    this.#deliveryAckTimeoutMs = init.deliveryAckTimeoutMs
    this.#onUnknown = init.onUnknown
    this.#onEvent = event => guarded(log, 'Telling the host', () => components.onEvent?.(event))
    // Who waits for `ready` may be gone; a start that fails is told through `run`.
    this.#ready.promise.catch(() => undefined)
    const self = this.#self
    const label = (): string => this.#label
    const deliveryAckTimeoutMs = (): number => this.#deliveryAckTimeoutMs

    const trust = new Trust({ store, clock, log }, { dmPolicy: init.dmPolicy, allowFrom: init.allowFrom })
    const tiers = new Tiers({ trust, log }, init)
    const routes = new RouteTable({ store, trust, network, clock, log })
    const presence = new Presence(
      { network, routes, trust, clock, log },
      { instanceOf: instanceOfPeer, ...(init.random !== undefined && { random: init.random }) }
    )
    trust.onChange(instance => presence.trustChanged(instance))

    const owner = new OwnerNotices({ store, notices, clock, log, trust, routes })
    const shown = new ShownTexts({ notices, owner, clock })
    const replies = new Replies(
      { store, trust, routes, notices: shown, owner, log },
      { answered: question => this.#aftermath.changed([question]), displayed: display !== undefined }
    )
    const acks = new AckTracker({ outbox: store.outbox, clock, log }, { replyOf: row => replies.textOf(row) })
    const outbox = new Outbox(
      { store, signer, clock },
      {
        self: self.instance,
        committed: rows => {
          this.#aftermath.committed()
          this.#endings.committed(rows)
          this.#lanes.committed(rows)
        }
      }
    )
    const skips = new Skips({ store, clock }, { enqueueAll: (drafts, within) => outbox.enqueueAll(drafts, within) })
    const lanes = new Lanes(
      { store, network, clock, log },
      {
        instanceOf: instanceOfPeer,
        owe: rows => skips.owe(rows),
        changed: rows => this.#endings.changed(rows)
      }
    )
    const program = init.program ?? DEFAULT_PROGRAM
    const admitters = new Admitters({ store, log, owner }, { program })
    const aftermath = new Aftermath({ store, clock, log, acks, trust, admitters, routes, notices, owner }, { program })
    const endings = new Endings(
      { store, clock, log, acks, admitters, aftermath, skips },
      { drop: rows => lanes.ended(rows) }
    )

    const twins = new Twins({ owner })
    const budget = new Budget({ store, clock, notices: owner })
    const receipts = new ReceiptQueue({ network, log })
    const admission = new Admission({ store, clock, trust, log }, { instance: self.instance })
    const dispatch = new Dispatch(
      {
        store,
        clock,
        log,
        trust,
        tiers,
        routes,
        notices: shown,
        owner,
        budget,
        pathOf: peer => network.connections().find(connection => connection.peer === peer)?.path,
        ...(agent !== undefined && { agent }),
        ...(display !== undefined && { display }),
        receipts: (peer, batch) => receipts.add(peer, batch),
        reply: async (draft, within) => {
          const row = await outbox.enqueue(draft, within)
          // The peer may have been shut out while the answer was signed.
          if (!trust.admitted(row.instance)) endings.takeBack(row.id)
        },
        answered: answer => replies.take(answer, acks)
      },
      { instance: self.instance, deliveryAckTimeoutMs, onUnknown: () => this.#onUnknown }
    )
    const inbox = new Inbox({
      store,
      signer,
      clock,
      log,
      send: (peer, batch) => receipts.add(peer, batch),
      room: instance => dispatch.room(instance),
      fullUntilMs: instance => budget.closedUntilMs(instance),
      ready: row => {
        guarded(log, 'Settling a question', () => replies.notice(row, acks))
        dispatch.add(row)
      },
      strike: peer => admission.strike(peer)
    })
    const broadcasts = new Broadcasts(
      {
        store,
        signer,
        clock,
        log,
        trust,
        routes,
        notices: shown,
        owner,
        publish: (topic, data) => network.publish(topic, data)
      },
      { instance: self.instance }
    )
    const meeting = { network, store, clock, log, trust, routes, presence, notices: owner }
    const tickets = new Tickets({ ...meeting, signer }, { self, label })
    const contacts = new Contacts(meeting, { label, program })
    const ownRequests = new OwnRequests(meeting, { label })
    const ownRoute = new OwnRoute({ network, store, signer, clock }, { self: self.instance, label })
    this.#events = new NetworkEvents(
      {
        network,
        store,
        clock,
        log,
        trust,
        routes,
        presence,
        lanes,
        receipts,
        admission,
        admitters,
        inbox,
        broadcasts,
        endings,
        ownRoute,
        tickets,
        contacts,
        ownRequests,
        namesakes: new Namesakes({ store, trust, routes, notices: owner }),
        twins,
        onEvent: this.#onEvent
      },
      { label, instanceOf: instanceOfPeer }
    )
    this.#sending = new Sending(
      { store, network, clock, log, trust, routes, presence, outbox, acks, aftermath },
      { self, deliveryAckTimeoutMs }
    )
    const gauges = new Gauges({
      kept: [
        routes,
        presence,
        lanes,
        acks,
        this.#sending,
        receipts,
        admission,
        admitters,
        dispatch,
        inbox,
        broadcasts,
        ownRequests,
        budget,
        shown,
        owner,
        twins,
        network
      ]
    })
    this.#report = new Report(
      { gauges, network, store, clock, trust, tiers, routes, presence, budget },
      {
        self,
        instanceId: () => this.instanceId,
        instanceOf: instanceOfPeer,
        version: init.version,
        pendingSettings: init.pendingSettings
      }
    )
    this.#owner = new OwnerActs(
      {
        trust,
        routes,
        report: this.#report,
        tickets,
        contacts,
        ownRequests,
        notices: owner,
        cancelAll: instance => endings.cancelAll(instance)
      },
      { self, instanceId: () => this.instanceId }
    )
    this.#approvals = new HostApprovals({ store, trust, contacts, notices: owner })
    this.#ownRequests = ownRequests
    this.#notices = owner
    this.#trust = trust
    this.#tiers = tiers
    this.#routes = routes
    this.#presence = presence
    this.#lanes = lanes
    this.#outbox = outbox
    this.#aftermath = aftermath
    this.#endings = endings
    this.#outboxActs = new OutboxActs({ store, clock, log, trust, routes, presence, lanes, outbox, endings, replies })
    this.#inbox = inbox
    this.#dispatch = dispatch
    this.#broadcasts = broadcasts
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
    stack.defer(() => this.#notices.stop())
    stack.defer(() => this.#outbox.stop())
    stack.defer(() => this.#inbox.stop())
    this.#inbox.recover()
    stack.defer(() => this.#lanes.close())
    stack.defer(() => this.#broadcasts.stop())
    stack.defer(() => this.#ownRequests.stop())
    await network.start(this.#events, { signal })
    stack.defer(() => network.stop())
    this.#presence.start()
    stack.defer(() => this.#presence.stop())
    this.#aftermath.start()
    stack.defer(() => this.#aftermath.stop())
    this.#endings.start()
    stack.defer(() => this.#endings.stop())
    const retention = new Retention(this.#components)
    retention.start()
    stack.defer(() => retention.stop())
    // From here on calls are answered; the first thing at the end is that nobody waits any more.
    stack.defer(() => this.#sending.stop())
    log.info(`Node started. Peer ID: ${network.peer}`)
    this.#ready.resolve()
    const { peer } = network
    this.#onEvent({ type: 'ready', peerId: peer, instanceId: this.instanceId, addresses: network.addresses() })
    await this.#dispatch.run(signal)
  }

  /** New settings, in force at once: who is no longer admitted is disconnected, turns that may do less end, a new name is announced. */
  update({ dmPolicy, allowFrom, name, deliveryAckTimeoutMs, onUnknown, ...tiers }: LiveInit): void {
    const before = this.#label
    this.#label = ownLabel(name, this.#components)
    this.#deliveryAckTimeoutMs = deliveryAckTimeoutMs
    this.#onUnknown = onUnknown
    this.#tiers.update(tiers)
    // Tells whoever looks at the tiers too.
    this.#trust.update({ dmPolicy, allowFrom })
    if (this.#label !== before) this.#events.announce()
  }

  /** What the owner approved in the host's own list; says what of it is done, and what waits here. */
  hostApprovals(entries: string[]): HostRound {
    return this.#approvals.take(entries)
  }

  /** The control methods. Each rejects with MeshError. */
  handlers(): MeshHandlers {
    const { clock, store } = this.#components
    const kept = { store, trust: this.#trust, routes: this.#routes }
    return {
      status: async () => this.#report.status(),
      peers: async () => this.#report.peers(),
      budget: async () => this.#report.budget(),
      send: async (request, options) => await this.#sending.send(request, options),
      broadcast: async ({ text, topic = this.#init.meshTopic }) => {
        if (topic !== this.#init.meshTopic) throw new MeshError('topic_unknown', { detail: topic })
        const startMs = clock.monotonicMs()
        const { id, recipients } = await this.#broadcasts.publish(text, topic)
        return { id, topic, recipients, ms: Math.round(clock.monotonicMs() - startMs) }
      },
      ...this.#owner.handlers(),
      ...this.#outboxActs.handlers(),
      messages: async ({ limit }) => messageList(limit, kept),
      inbound: async ({ id }) => messageDetails(id, kept),
      resolve: async ({ target }) => {
        const { instance } = resolveTarget(target, { trust: this.#trust, routes: this.#routes, self: this.#self })
        return this.#report.peer(instance)
      }
    }
  }
}

/** A peer id holds its key, and the key makes the instance. */
function instanceOfPeer(peer: string): string {
  return fingerprintOf(publicKeyOf(peer))
}
