import {
  decodeRouteRecord,
  ENVELOPE_KINDS,
  ENVELOPE_VERSION,
  type Envelope,
  type EnvelopeKind,
  FRAME_MAX_BYTES,
  type Hello,
  type PairAnswer,
  type PairBody,
  type Receipt,
  refusing
} from '../protocol/index.ts'
import { type Admission, receiptFor } from './admission.ts'
import type { Admitters } from './admitters.ts'
import type { Broadcasts } from './broadcast.ts'
import type { Contacts } from './contacts.ts'
import type { Endings } from './endings.ts'
import type { MeshEvent } from './events.ts'
import { failure, guarded } from './guard.ts'
import type { Inbox } from './inbox.ts'
import type { Lanes } from './lanes.ts'
import type { Namesakes } from './namesakes.ts'
import type { OwnRequests } from './own-requests.ts'
import type { OwnRoute } from './own-route.ts'
import type { Clock, Log, Network, NetworkHandler, Path, Store } from './ports.ts'
import type { Presence } from './presence.ts'
import type { ReceiptQueue } from './receipt-queue.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import type { Shortcuts } from './shortcuts.ts'
import type { Tickets } from './tickets.ts'
import type { Trust } from './trust.ts'
import type { Twins } from './twins.ts'

const KINDS = Object.keys(ENVELOPE_KINDS) as EnvelopeKind[]

export interface NetworkEventsComponents {
  network: Network
  store: Store
  clock: Clock
  log: Log
  trust: Trust
  routes: RouteTable
  presence: Presence
  shortcuts: Shortcuts
  lanes: Lanes
  receipts: ReceiptQueue
  admission: Admission
  admitters: Admitters
  inbox: Inbox
  broadcasts: Broadcasts
  endings: Endings
  ownRoute: OwnRoute
  tickets: Tickets
  contacts: Contacts
  ownRequests: OwnRequests
  namesakes: Namesakes
  twins: Twins
  onEvent: (event: MeshEvent) => void
}

/** What the network tells, handed to those whom it concerns. The one place that keeps a throw of ours from the network's callbacks. */
export class NetworkEvents implements NetworkHandler {
  readonly #components: NetworkEventsComponents
  readonly #label: () => string
  readonly #instanceOf: (peer: string) => string

  constructor(
    components: NetworkEventsComponents,
    init: { label: () => string; instanceOf: (peer: string) => string }
  ) {
    this.#components = components
    this.#label = init.label
    this.#instanceOf = init.instanceOf
  }

  hello(peer: string): Hello {
    const { store, clock, trust } = this.#components
    return {
      version: ENVELOPE_VERSION,
      kinds: KINDS,
      maxFrameBytes: FRAME_MAX_BYTES,
      epoch: store.epoch,
      timeMs: clock.wallMs(),
      // Fail closed: a store that cannot be read admits nobody.
      admitted: this.#guard('Asking whether a peer is admitted', () => trust.admitted(this.#instanceOf(peer))) ?? false,
      label: this.#label()
    }
  }

  discovered(peer: string, addresses: string[]): void {
    this.#guard('A sighting', () => {
      if (this.#components.presence.discovered(peer, addresses)) this.#components.shortcuts.news(peer, addresses)
    })
  }

  connected(peer: string, path: Path, address: string): void {
    this.#guard('A connection', () => {
      this.#learn(peer, '', address)
      this.#components.log.debug('Connection opened.', { peer, path })
      this.#components.presence.connected(peer)
      this.#components.ownRequests.connected(peer)
    })
  }

  disconnected(peer: string): void {
    this.#components.log.debug('Connection closed.', { peer })
  }

  moved(): void {
    this.#guard('A change of the network', () => {
      this.announce()
      this.#components.presence.retry({ anew: true })
    })
  }

  readdressed(): void {
    this.#guard('A change of addresses', () => {
      this.announce()
      this.#components.presence.retry({ anew: false })
    })
  }

  pathChanged(peer: string, path: Path): void {
    this.#guard('A change of path', () => {
      const address = this.#components.network.connections().find(connection => connection.peer === peer)?.address
      this.#learn(peer, '', address)
      // What it may know of this node's addresses hangs on the path.
      this.#sendRoute(peer)
      this.#components.log.info(`Peer is reached ${path} now: ${peer}`)
      this.#tell(peer, 'connected', path)
    })
  }

  linkUp(peer: string, hello: Hello, path: Path): void {
    const { network, log, presence, shortcuts, receipts, lanes, twins, admitters } = this.#components
    this.#guard('A new link', () => {
      const address = network.connections().find(connection => connection.peer === peer)?.address
      this.#learn(peer, hello.label, address)
      presence.linkUp(peer)
      admitters.linked(this.#instanceOf(peer))
      twins.linked(this.#instanceOf(peer), hello.epoch)
      log.info(`Peer connected: ${peer}`)
      this.#tell(peer, 'connected', path)
      receipts.linkUp(peer)
      this.#sendRoute(peer)
      lanes.linkUp(peer)
      shortcuts.news(peer, presence.addressesOf(peer))
    })
  }

  linkDown(peer: string): void {
    const { log, presence, receipts, lanes } = this.#components
    this.#guard('The end of a link', () => {
      lanes.linkDown(peer)
      receipts.linkDown(peer)
      presence.linkDown(peer)
      log.info(`Peer disconnected: ${peer}`)
      this.#tell(peer, 'disconnected', null)
    })
  }

  refused(peer: string, hello: Hello): void {
    const { presence, endings, namesakes, log } = this.#components
    this.#guard('A refusal', () => {
      this.#learn(peer, hello.label)
      namesakes.met(this.#instanceOf(peer))
      log.debug('A peer does not admit this instance.', { peer })
      presence.refused(peer)
      endings.refused(this.#instanceOf(peer))
    })
  }

  envelope(peer: string, envelope: Envelope): void {
    this.#guard('An envelope', () => this.#admit(peer, envelope))
  }

  receipts(peer: string, receipts: Receipt[]): void {
    this.#guard('Receipts', () => this.#components.lanes.receipts(peer, receipts))
  }

  drained(peer: string): void {
    this.#guard('A drained link', () => {
      this.#components.receipts.drained(peer)
      this.#components.lanes.drained(peer)
    })
  }

  async asked(peer: string, address: string, body: PairBody): Promise<PairAnswer> {
    const { tickets, contacts, ownRequests, log } = this.#components
    try {
      if (body.kind === 'ticket') return await tickets.redeem(peer, body)
      if (body.kind !== 'contact') return ownRequests.approved(peer)
      const answer = contacts.asked(peer, address, body)
      this.#components.namesakes.met(this.#instanceOf(peer))
      return answer
    } catch (error) {
      log.error('A pair request failed.', failure(error))
      return refusing('overloaded')
    }
  }

  async broadcast(carrier: string, topic: string, data: Uint8Array): Promise<'accept' | 'ignore' | 'reject'> {
    try {
      return await this.#components.broadcasts.validate(carrier, topic, data)
    } catch (error) {
      this.#components.log.error('A broadcast failed.', failure(error))
      return 'ignore'
    }
  }

  #admit(peer: string, envelope: Envelope): void {
    const { admission, inbox, routes, receipts, network, shortcuts, log } = this.#components
    const verdict = admission.admit(envelope, { carrier: peer })
    if (verdict.verdict !== 'accept') {
      const receipt = receiptFor(verdict)
      if (receipt !== undefined) receipts.add(peer, [receipt])
      return
    }
    const { content, hash } = verdict
    if (content.kind !== 'route') {
      inbox.accept(peer, envelope, content, hash)
      return
    }
    // The carrier is the sender, so the link has proved it. A record is no message: nothing is kept of it and no receipt sent.
    const record = content.body.type === 'plain' ? decodeRouteRecord(content.body.bytes) : undefined
    const near = this.#isNear(peer)
    const newer = record !== undefined && routes.learnRecord(record, content.from, { near })
    log.debug('A route record came.', { peer, newer })
    if (newer) shortcuts.news(peer, network.dialable(record.addresses, near ? 'record' : 'stranger'))
  }

  /** Remembers a peer. The address of an incoming connection is not one that it can be dialled at. */
  #learn(peer: string, label: string, address?: string): void {
    const { routes, presence } = this.#components
    const dialled = address !== undefined && presence.isDialled(peer, address)
    routes.learn({ peer, label, ...(dialled && { addresses: [address] }) })
  }

  /** Tells every linked peer where and under which name this instance is now. */
  announce(): void {
    for (const { peer } of this.#components.network.connections()) this.#sendRoute(peer)
  }

  #sendRoute(peer: string): void {
    const { ownRoute, network, log } = this.#components
    ownRoute.envelopeFor(this.#instanceOf(peer), { near: this.#isNear(peer) }).then(
      envelope => {
        if (!network.send(peer, { type: 'envelope', envelope })) log.debug('The route record did not go out.', { peer })
      },
      error => log.warn('The route record could not be made.', failure(error))
    )
  }

  /** Whether its connection stays in the own network. */
  #isNear(peer: string): boolean {
    return this.#components.network.connections().find(connection => connection.peer === peer)?.path === 'lan'
  }

  #tell(peer: string, state: 'connected' | 'disconnected', path: Path | null): void {
    const { onEvent, trust, routes } = this.#components
    const { instanceId } = senderOf(this.#instanceOf(peer), peer, { trust, routes })
    onEvent({ type: 'peer', state, peerId: peer, instanceId, path })
  }

  #guard<T>(what: string, work: () => T): T | undefined {
    return guarded(this.#components.log, what, work)
  }
}
