import type { networkInterfaces } from 'node:os'
import { performance } from 'node:perf_hooks'
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { type IdentifyComponents, identify } from '@libp2p/identify'
import type { PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { MeshError } from '../mesh/errors.ts'
import type { Clock, Log, Network, Reachability } from '../mesh/ports.ts'
import { parseAnnounceList } from './announce.ts'
import { AutoNat } from './autonat.ts'
import { Discovery } from './discovery.ts'
import { Gate } from './gate.ts'
import { createGater } from './gater.ts'
import { Gossip } from './gossip.ts'
import { Issues } from './issues.ts'
import { CONNECTIONS_MAX } from './limits.ts'
import { listenList } from './listen-list.ts'
import { Listening } from './listening.ts'
import { NatMapping } from './nat-mapping.ts'
import { Netcheckup } from './netcheck.ts'
import { MeshNode, type NodeTuning } from './node.ts'
import { ownInterfaces } from './own-interfaces.ts'
import { isLoopback } from './paths.ts'
import { parsePeerList } from './peer-list.ts'
import { PortMapping } from './port-mapping.ts'
import { AGENT_VERSION } from './protocols.ts'
import { withPublicAddresses } from './public-addresses.ts'
import { reachabilityOf } from './reachability.ts'
import { RelayServer } from './relay-server.ts'
import { Relays } from './relays.ts'
import { Reservations } from './reservations.ts'
import { type SwitchSettings, switchesOf } from './switches.ts'
import type { TransportManager } from './transport-manager.ts'
import { transportsOf } from './transports.ts'
import { Whereabouts } from './whereabouts.ts'

/** Sockets in their handshake. A flood of idle ones must not keep out a peer whose handshake takes 30 ms (S-10). */
const PENDING_MAX = 2_000
const UPGRADE_MS = 4_000

/** New connections per second from one address: an office or a container host restarts all its instances at once. */
const INBOUND_PER_SECOND = 40

/** Addresses tried for one peer, and the time for each. */
const DIAL_ADDRESSES_MAX = 8
const DIAL_ADDRESS_MS = 5_000

/**
 * An idle link is a healthy one, but a socket without any traffic is closed. Three keepalives fit into that time, so one may be late. (yamux and
 * libp2p do not end idle streams by themselves: their `inactivityTimeout` is read by nobody.)
 */
const SOCKET_IDLE_MS = 120_000
const KEEP_ALIVE_MS = 30_000

/** A dead connection is found within both; a busy event loop is not taken for one. */
const LIVENESS_INTERVAL_MS = 15_000
const LIVENESS_ANSWER_MS = 10_000

/**
 * Pings of one connection at once: those of libp2p's monitor, those after a change of network, and those that somebody asks for. Of one too many the
 * monitor would think that the connection is dead.
 */
const PING_STREAMS_MAX = 8

export interface NodeInit extends NodeTuning, SwitchSettings {
  /** Said beside the addresses that this machine knows by itself. */
  announceAddrs: string[]
  discovery: 'mdns' | 'bootstrap' | 'dht'
  bootstrapList: string[]
  /** Relays to reserve a slot on. */
  relayList?: string[]
  /** Whom this node carries for when it is a relay: peers that the owner let in. Nobody where it is not said. */
  carries?: (peer: string) => boolean
  /** Topics that this node hears and relays. */
  topics: string[]
  /** mDNS service, for tests that must not meet others. */
  serviceTag?: string
  /** Blocked by the owner: no connection either way. */
  denied?: (peer: string) => boolean
  interfaces?: typeof networkInterfaces
  socketIdleMs?: number
  keepAliveMs?: number
  /** For tests that do not wait for an hour. */
  portMapping?: { ttlMs?: number }
  autoNat?: { askAfterMs?: number; askAgainMs?: number }
  livenessMs?: number
  /** First wait before a relay is asked again. */
  relayRetryMs?: number
}

/** What libp2p gives its services, and nobody else. */
interface Inner {
  transportManager: TransportManager
}

/** For tests that have no clock of their own: no machine sleeps in them. */
const PROCESS_CLOCK = { wallMs: () => performance.now(), monotonicMs: () => performance.now() }

/**
 * One libp2p node with everything of ours on it, not started. The same key gives the same peer id.
 *
 * @throws MeshError `key_unreadable`
 */
export async function createNode(
  components: { privateKeyProtobuf: Uint8Array; log: Log; clock?: Pick<Clock, 'wallMs' | 'monotonicMs'> },
  init: NodeInit
): Promise<Network> {
  const { log, clock = PROCESS_CLOCK } = components
  const privateKey = readKey(components.privateKeyProtobuf)
  const issues = new Issues()
  const switches = switchesOf(init)
  const self = peerIdFromPrivateKey(privateKey).toString()
  const bootstrap = parsePeerList(init.bootstrapList, { issues }, { setting: 'bootstrapList', self })
  const relayList = switches.relayClient ? (init.relayList ?? []) : []
  const relays = parsePeerList(relayList, { issues }, { setting: 'relayList', self })
  const ownAddresses = (): string[] => libp2p.getMultiaddrs().map(address => address.toString())
  const interfaces = ownInterfaces(init.interfaces)
  const gate = new Gate(
    { ownAddresses, interfaces },
    { listenAddrs: init.listenAddrs, settings: [...init.bootstrapList, ...relayList] }
  )
  const relayPeers = new Set(relays.map(({ peer }) => peer))
  const reservations = new Reservations({ isRelay: peer => relayPeers.has(peer) })
  const gossip = new Gossip({ log }, { topics: init.topics })
  const discovery = new Discovery(
    { log, issues, gate },
    {
      mode: init.discovery,
      bootstrap,
      listenAddrs: init.listenAddrs,
      ...(init.serviceTag !== undefined && { serviceTag: init.serviceTag })
    }
  )
  const autoNat = new AutoNat(
    { log, carries: init.carries ?? (() => false), onChange: () => whereabouts.addressesChanged() },
    { on: switches.autoNat, ...init.autoNat }
  )
  const portMapping = new PortMapping(
    {
      log,
      interfaces,
      onChange: () => {
        autoNat.ask()
        whereabouts.addressesChanged()
      }
    },
    { on: switches.upnp, ...init.portMapping }
  )
  const natMapping = new NatMapping({ interfaces, clock })
  const relay = switches.relayServer
    ? new RelayServer({ log, clock }, { carries: init.carries ?? (() => false) })
    : undefined
  const announced = parseAnnounceList(init.announceAddrs, { issues }, { loopback: init.listenAddrs.every(isLoopback) })
  const socketIdleMs = init.socketIdleMs ?? SOCKET_IDLE_MS
  const libp2p = await createLibp2p({
    start: false,
    privateKey,
    nodeInfo: { userAgent: AGENT_VERSION },
    // `listening` listens, address by address.
    addresses: { listen: [], appendAnnounce: announced },
    transports: await transportsOf({ reservations }, { switches, socketIdleMs }),
    // TLS carries 2.7 times the messages of Noise (measured); Noise is there for every other libp2p.
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [yamux({ enableKeepAlive: true, keepAliveInterval: init.keepAliveMs ?? KEEP_ALIVE_MS })],
    peerDiscovery: await discovery.modules(),
    connectionGater: createGater({ gate }, { self, ...(init.denied !== undefined && { denied: init.denied }) }),
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      maxIncomingPendingConnections: PENDING_MAX,
      inboundUpgradeTimeout: UPGRADE_MS,
      inboundConnectionThreshold: INBOUND_PER_SECOND,
      maxPeerAddrsToDial: DIAL_ADDRESSES_MAX,
      addressDialTimeout: DIAL_ADDRESS_MS
    },
    connectionMonitor: {
      pingInterval: init.livenessMs ?? LIVENESS_INTERVAL_MS,
      pingTimeout: { minTimeout: LIVENESS_ANSWER_MS, maxTimeout: LIVENESS_ANSWER_MS }
    },
    services: {
      ...(switches.identify && { identify: (parts: IdentifyComponents) => identify()(withPublicAddresses(parts)) }),
      ping: ping({ maxInboundStreams: PING_STREAMS_MAX, maxOutboundStreams: PING_STREAMS_MAX }),
      ...(await portMapping.services()),
      ...(await autoNat.services()),
      ...natMapping.services(),
      ...(relay !== undefined && { relay: relay.service.bind(relay) }),
      gossip: parts => gossip.service(parts),
      inner: (parts: Inner): Inner => ({ transportManager: parts.transportManager })
    }
  })
  const { transportManager } = libp2p.services.inner
  const listening = new Listening(
    { listener: transportManager, log, issues },
    { addresses: listenList(init.listenAddrs, { issues }, switches) }
  )
  const supervisor = new Relays(
    {
      reservations,
      dial: relay => node.dialRelay(relay),
      issues,
      log,
      onChange: () => whereabouts.addressesChanged(),
      nowMs: clock.monotonicMs
    },
    { relays, ...(init.relayRetryMs !== undefined && { firstMs: init.relayRetryMs }) }
  )
  const whereabouts = new Whereabouts(
    {
      libp2p,
      transports: transportManager,
      relays: supervisor,
      interfaces,
      wallMs: clock.wallMs,
      log,
      onMoved: () => {
        natMapping.forget()
        void portMapping.moved()
        autoNat.forget()
      }
    },
    { announceAddrs: init.announceAddrs }
  )
  const verdicts = () => autoNat.verdicts(whereabouts.ownPublic())
  const outlook = {
    reachability: (): Reachability =>
      reachabilityOf({
        addresses: verdicts(),
        upnp: portMapping.state(),
        announced: init.announceAddrs,
        autoNat: switches.autoNat
      }),
    relays: () => supervisor.states(),
    relayUsage: () => relay?.usage(),
    gauges: () => [...(relay?.gauges() ?? []), ...autoNat.gauges(), ...natMapping.gauges()]
  }
  const netcheck = new Netcheckup({
    ...outlook,
    listeners: () => transportManager.getAddrs().map(address => address.toString()),
    interfaces,
    multicast: options => discovery.multicast(options),
    relays: options => supervisor.measured(options),
    upnp: () => portMapping.state(),
    addresses: verdicts,
    natMapping: () => natMapping.state()
  })
  const node = new MeshNode(
    {
      ...{ libp2p, gossip, discovery, listening, gate, whereabouts, issues, log },
      transports: transportManager,
      outlook: { ...outlook, netcheck: options => netcheck.run(options) }
    },
    { ...init, bootstrap, relays }
  )
  return node
}

/** @throws MeshError `key_unreadable` */
export function readKey(protobuf: Uint8Array): PrivateKey {
  try {
    const key = privateKeyFromProtobuf(protobuf)
    if (key.type === 'Ed25519') return key
  } catch (error) {
    throw new MeshError('key_unreadable', { cause: error })
  }
  throw new MeshError('key_unreadable', { detail: 'not an Ed25519 key' })
}
