import { fingerprintOf, publicKeyOf } from '../protocol/index.ts'
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
import type { MeshEvent } from './events.ts'
import { Gauges } from './gauges.ts'
import { guarded } from './guard.ts'
import { HostApprovals } from './host-approvals.ts'
import { Inbox } from './inbox.ts'
import { Lanes } from './lanes.ts'
import type { MeshComponents, MeshInit } from './mesh-init.ts'
import { Namesakes } from './namesakes.ts'
import { NetworkEvents } from './network-events.ts'
import { Outbox } from './outbox.ts'
import { OutboxActs } from './outbox-acts.ts'
import { OwnRequests } from './own-requests.ts'
import { OwnRoute } from './own-route.ts'
import { OwnerActs } from './owner-acts.ts'
import { OwnerNotices } from './owner-notices.ts'
import { Pinging } from './pinging.ts'
import type { Notices } from './ports.ts'
import { Presence } from './presence.ts'
import { ReceiptQueue } from './receipt-queue.ts'
import { Replies } from './replies.ts'
import { Report } from './report.ts'
import { RouteTable } from './route-table.ts'
import { Sending } from './sending.ts'
import { Shortcuts } from './shortcuts.ts'
import { ShownTexts } from './shown-texts.ts'
import { Skips } from './skips.ts'
import { Tickets } from './tickets.ts'
import { Tiers } from './tiers.ts'
import { Trust } from './trust.ts'
import { Twins } from './twins.ts'

const DEFAULT_PROGRAM = 'libp2p-mesh'

/** What the parts know of the mesh that they make up. What can change while it runs is asked for each time. */
export interface Whole {
  self: { instance: string; peer: string }
  label: () => string
  /** `label@fingerprint` */
  instanceId: () => string
  deliveryAckTimeoutMs: () => number
  onUnknown: () => OnUnknown
  onEvent: (event: MeshEvent) => void
}

/** Most parts tell the owner through others, which is why the notices of the host go by a name that none of them asks for. */
interface Setting extends Omit<MeshComponents, 'notices' | 'onEvent'> {
  hostNotices: Notices
  init: MeshInit
  program: string
  whole: Whole
}

type Acquaintance = ReturnType<typeof acquaintance>
type Outgoing = ReturnType<typeof outgoing>
type Incoming = ReturnType<typeof incoming>
type Joining = ReturnType<typeof joining>

export type Parts = ReturnType<typeof assemble>

/** Makes the parts of a mesh and ties them to each other; `Mesh` starts and stops them. */
export function assemble({ notices, ...ports }: MeshComponents, init: MeshInit, whole: Whole) {
  const setting = { ...ports, hostNotices: notices, init, program: init.program ?? DEFAULT_PROGRAM, whole }
  const known = acquaintance(setting)
  const out = outgoing({ ...setting, ...known })
  const into = incoming({ ...setting, ...known, ...out })
  const join = joining({ ...setting, ...known, ...out })
  const made = { ...setting, ...known, ...out, ...into, ...join }
  return { ...known, ...out, ...into, ...join, events: networkEvents(made), ...acts(made) }
}

/** Who the others are, and where. */
function acquaintance({ store, network, clock, log, init }: Setting) {
  const trust = new Trust({ store, clock, log }, { dmPolicy: init.dmPolicy, allowFrom: init.allowFrom })
  const tiers = new Tiers({ trust, log }, init)
  const routes = new RouteTable({ store, trust, network, clock, log })
  const presence = new Presence(
    { network, routes, trust, clock, log },
    { instanceOf: instanceOfPeer, ...(init.random !== undefined && { random: init.random }) }
  )
  trust.onChange(instance => presence.trustChanged(instance))
  const shortcuts = new Shortcuts({ network, clock, log })
  return { trust, tiers, routes, presence, shortcuts }
}

/** What is sent, what became of it, and who is told. */
function outgoing(setting: Setting & Acquaintance) {
  const { store, network, signer, clock, log, display, hostNotices, program, whole, trust, routes } = setting
  const owner = new OwnerNotices({ store, notices: hostNotices, clock, log, trust, routes })
  const shown = new ShownTexts({ notices: hostNotices, owner, clock })
  const replies = new Replies(
    { store, trust, routes, notices: shown, owner, log },
    { answered: question => aftermath.changed([question]), displayed: display !== undefined }
  )
  const acks = new AckTracker({ outbox: store.outbox, clock, log }, { replyOf: row => replies.textOf(row) })
  const outbox = new Outbox(
    { store, signer, clock },
    {
      self: whole.self.instance,
      committed: rows => {
        aftermath.committed()
        endings.committed(rows)
        lanes.committed(rows)
      }
    }
  )
  const skips = new Skips({ store, clock }, { enqueueAll: (drafts, within) => outbox.enqueueAll(drafts, within) })
  const lanes = new Lanes(
    { store, network, clock, log },
    {
      instanceOf: instanceOfPeer,
      owe: rows => skips.owe(rows),
      changed: rows => endings.changed(rows)
    }
  )
  const admitters = new Admitters({ store, log, owner }, { program })
  const aftermath = new Aftermath(
    { store, clock, log, acks, trust, admitters, routes, notices: hostNotices, owner },
    { program }
  )
  const endings = new Endings(
    { store, clock, log, acks, admitters, aftermath, skips },
    { drop: rows => lanes.ended(rows) }
  )
  return { owner, shown, replies, acks, outbox, lanes, admitters, aftermath, endings }
}

/** What comes, and what becomes of it here. */
function incoming(setting: Setting & Acquaintance & Outgoing) {
  const { store, network, signer, clock, log, agent, display, whole } = setting
  const { trust, tiers, routes, owner, shown, replies, acks, outbox, endings } = setting
  const { instance } = whole.self
  const budget = new Budget({ store, clock, notices: owner })
  const receipts = new ReceiptQueue({ network, log })
  const admission = new Admission({ store, clock, trust, log }, { instance })
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
    { instance, deliveryAckTimeoutMs: whole.deliveryAckTimeoutMs, onUnknown: whole.onUnknown }
  )
  const inbox = new Inbox({
    store,
    signer,
    clock,
    log,
    send: (peer, batch) => receipts.add(peer, batch),
    room: from => dispatch.room(from),
    fullUntilMs: from => budget.closedUntilMs(from),
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
    { instance }
  )
  return { budget, receipts, admission, dispatch, inbox, broadcasts }
}

/** How instances come to trust each other. */
function joining(setting: Setting & Acquaintance & Outgoing) {
  const { store, network, signer, clock, log, program, whole, trust, routes, presence, owner } = setting
  const { self, label } = whole
  const meeting = { network, store, clock, log, trust, routes, presence, notices: owner }
  const tickets = new Tickets({ ...meeting, signer }, { self, label })
  const contacts = new Contacts(meeting, { label, program })
  const ownRequests = new OwnRequests(meeting, { label })
  const approvals = new HostApprovals({ store, trust, contacts, notices: owner })
  const twins = new Twins({ owner })
  return { tickets, contacts, ownRequests, approvals, twins }
}

function networkEvents(made: Setting & Acquaintance & Outgoing & Incoming & Joining): NetworkEvents {
  const { network, store, signer, clock, trust, routes, owner, whole } = made
  const { self, label, onEvent } = whole
  const ownRoute = new OwnRoute({ network, store, signer, clock }, { self: self.instance, label })
  const namesakes = new Namesakes({ store, trust, routes, notices: owner })
  return new NetworkEvents({ ...made, ownRoute, namesakes, onEvent }, { label, instanceOf: instanceOfPeer })
}

/** What the owner and agents can ask for. */
function acts(made: Setting & Acquaintance & Outgoing & Incoming & Joining) {
  const { network, init, whole, routes, presence, lanes, acks, owner, shown, endings } = made
  const { self, instanceId, deliveryAckTimeoutMs } = whole
  const sending = new Sending(made, { self, deliveryAckTimeoutMs })
  const gauges = new Gauges({
    kept: [
      routes,
      presence,
      made.shortcuts,
      lanes,
      acks,
      sending,
      made.receipts,
      made.admission,
      made.admitters,
      made.dispatch,
      made.inbox,
      made.broadcasts,
      made.ownRequests,
      made.budget,
      shown,
      owner,
      made.twins,
      network
    ]
  })
  const { version, pendingSettings } = init
  const report = new Report(
    { ...made, gauges },
    { self, instanceId, instanceOf: instanceOfPeer, version, pendingSettings }
  )
  const ownerActs = new OwnerActs(
    { ...made, report, notices: owner, cancelAll: instance => endings.cancelAll(instance) },
    { self, instanceId }
  )
  return { sending, report, ownerActs, outboxActs: new OutboxActs(made), pinging: new Pinging(made, { self }) }
}

/** A peer id holds its key, and the key makes the instance. */
function instanceOfPeer(peer: string): string {
  return fingerprintOf(publicKeyOf(peer))
}
