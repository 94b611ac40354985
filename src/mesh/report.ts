import { parseInstanceId } from '../protocol/index.ts'
import type { Budget, Usage } from './budget.ts'
import type { Gauges } from './gauges.ts'
import { isoOf } from './iso.ts'
import type { Clock, Connected, Network, Store } from './ports.ts'
import type { Presence } from './presence.ts'
import type { BudgetReport, Expenses, Peer, Status } from './requests.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import type { Tiers } from './tiers.ts'
import type { Trust } from './trust.ts'

/** Open inbox rows that a report counts; more than this is "a lot" anyway. */
const INBOX_COUNT_MAX = 1_000

/** Admitted peers that refuse us and are named in the issues one by one. */
const REFUSALS_NAMED_MAX = 5

export interface ReportComponents {
  gauges: Gauges
  network: Network
  store: Store
  clock: Clock
  trust: Trust
  tiers: Tiers
  routes: RouteTable
  presence: Presence
  budget: Budget
}

export interface ReportInit {
  self: { instance: string; peer: string }
  instanceId: () => string
  instanceOf: (peer: string) => string
  version: string
  pendingSettings: string[]
}

/** What can be said about the mesh as it stands: one source for commands, tools, pages and status. */
export class Report {
  readonly #components: ReportComponents
  readonly #init: ReportInit
  readonly #startedMs: number

  constructor(components: ReportComponents, init: ReportInit) {
    this.#components = components
    this.#init = init
    this.#startedMs = components.clock.wallMs()
  }

  status(): Status {
    const { network, store, trust, tiers } = this.#components
    const open = store.inbox.inStates(['received', 'dispatching', 'adopted'], INBOX_COUNT_MAX)
    const linked = network.connections().filter(connection => connection.linked)
    const { verdict, reason } = network.diagnostics.reachability()
    return {
      peerId: network.peer,
      instanceId: this.#init.instanceId(),
      addresses: network.addresses(),
      reachability: verdict,
      reachabilityReason: reason,
      relays: network.diagnostics.relays(),
      relay: network.diagnostics.relayUsage() ?? null,
      peers: linked.length,
      version: this.#init.version,
      startedAt: isoOf(this.#startedMs),
      outbox: { waiting: store.outbox.load().entries },
      inbox: { open: open.length, unknown: store.inbox.inStates(['unknown'], INBOX_COUNT_MAX).length },
      notices: { unread: store.notices.unread(INBOX_COUNT_MAX).length },
      pendingSettings: this.#init.pendingSettings,
      gauges: this.#components.gauges.all(),
      issues: [...store.issues(), ...network.issues(), ...trust.issues(), ...tiers.issues(), ...this.#refusals()]
    }
  }

  /** Everybody known, linked peers first, then by name. */
  peers(): Peer[] {
    const { trust, routes, network } = this.#components
    const connections = new Map(network.connections().map(connection => [connection.peer, connection]))
    const instances = new Set([
      ...trust
        .all()
        .filter(record => !record.tombstone)
        .map(record => record.instance),
      ...routes.entries().map(entry => entry.instance),
      ...[...connections.keys()].map(this.#init.instanceOf)
    ])
    instances.delete(this.#init.self.instance)
    return [...instances]
      .map(instance => this.peer(instance, connections))
      .toSorted((a, b) => Number(a.path === null) - Number(b.path === null) || a.name.localeCompare(b.name))
  }

  /** @param connections by peer, where the caller has them */
  peer(instance: string, connections?: Map<string, Connected>): Peer {
    const { trust, routes, store, network } = this.#components
    const route = routes.byInstance(instance)
    const all = connections ?? new Map(network.connections().map(connection => [connection.peer, connection]))
    const stranger = [...all.keys()].find(peer => this.#init.instanceOf(peer) === instance)
    const peer = stranger ?? route?.peer ?? trust.peerOf(instance)
    const connection = peer === undefined ? undefined : all.get(peer)
    const { instanceId, name } = senderOf(instance, peer ?? '', { trust, routes })
    return {
      instanceId,
      peerId: peer ?? null,
      name,
      trust: trust.levelOf(instance),
      path: connection?.path ?? null,
      rttMs: connection?.rttMs ?? null,
      lastSeenAt: route === undefined ? null : isoOf(route.lastSeenMs),
      queued: store.outbox.load(instance).entries
    }
  }

  /** What peers have cost and may still cost, all of them together and each that is admitted. */
  budget(): BudgetReport {
    const { trust, budget } = this.#components
    const peers = this.peers()
      .map(peer => ({ ...peer, instance: parseInstanceId(peer.instanceId).fingerprint }))
      .filter(({ instance }) => trust.admitted(instance))
      .map(({ instance, instanceId, name }) => ({ instanceId, name, ...expensesOf(budget.usage(instance)) }))
    return { total: expensesOf(budget.usage()), peers }
  }

  #refusals(): string[] {
    const { trust, presence } = this.#components
    const refusing = this.peers().filter(
      ({ peerId, instanceId }) =>
        peerId !== null &&
        presence.refusedBy(peerId) &&
        trust.admitted(this.#init.instanceOf(peerId)) &&
        instanceId !== ''
    )
    const named = refusing
      .slice(0, REFUSALS_NAMED_MAX)
      .map(({ instanceId }) => `${instanceId} has not admitted this instance yet.`)
    const more = refusing.length - named.length
    return more > 0 ? [...named, `${more} more peers have not admitted this instance yet.`] : named
  }
}

function expensesOf({ turns, characters, waitsUntilMs }: Usage): Expenses {
  return { turns, characters, waitsUntil: waitsUntilMs === undefined ? null : isoOf(waitsUntilMs) }
}
