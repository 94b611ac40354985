import { networkInterfaces } from 'node:os'
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { MeshError } from '../mesh/errors.ts'
import type { Log, Network } from '../mesh/ports.ts'
import { parseAnnounceList } from './announce.ts'
import { parseBootstrapList } from './bootstrap.ts'
import { Discovery } from './discovery.ts'
import { Gate } from './gate.ts'
import { createGater } from './gater.ts'
import { Gossip } from './gossip.ts'
import { Issues } from './issues.ts'
import { CONNECTIONS_MAX } from './limits.ts'
import { type Listener, Listening } from './listening.ts'
import { MeshNode, type NodeTuning } from './node.ts'
import { AGENT_VERSION } from './protocols.ts'
import { withPublicAddresses } from './public-addresses.ts'

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

/**
 * A dead connection is found within both; a busy event loop is not taken for one. Of two pings at once libp2p refuses the second, and its monitor
 * takes that for a dead connection: so nothing else pings, and an answer is waited for less long than the interval.
 */
const LIVENESS_INTERVAL_MS = 15_000
const LIVENESS_ANSWER_MS = 10_000

export interface NodeInit extends NodeTuning {
  listenAddrs: string[]
  /** Said beside the addresses that this machine knows by itself. */
  announceAddrs: string[]
  discovery: 'mdns' | 'bootstrap' | 'dht'
  bootstrapList: string[]
  /** Topics that this node hears and relays. */
  topics: string[]
  /** mDNS service, for tests that must not meet others. */
  serviceTag?: string
  /** Blocked by the owner: no connection either way. */
  denied?: (peer: string) => boolean
  interfaces?: typeof networkInterfaces
  socketIdleMs?: number
  keepAliveMs?: number
  livenessMs?: number
}

/**
 * One libp2p node with everything of ours on it, not started. The same key gives the same peer id.
 *
 * @throws MeshError `key_unreadable`
 */
export async function createNode(
  components: { privateKeyProtobuf: Uint8Array; log: Log },
  init: NodeInit
): Promise<Network> {
  const { log } = components
  const privateKey = readKey(components.privateKeyProtobuf)
  const issues = new Issues()
  const ownAddresses = (): string[] => libp2p.getMultiaddrs().map(address => address.toString())
  const gate = new Gate(
    { ownAddresses, interfaces: init.interfaces ?? networkInterfaces },
    { listenAddrs: init.listenAddrs, settings: init.bootstrapList }
  )
  const bootstrap = parseBootstrapList(init.bootstrapList, issues)
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
  const socketIdleMs = init.socketIdleMs ?? SOCKET_IDLE_MS
  const libp2p = await createLibp2p({
    start: false,
    privateKey,
    nodeInfo: { userAgent: AGENT_VERSION },
    // `listening` listens, address by address.
    addresses: { listen: [], appendAnnounce: parseAnnounceList(init.announceAddrs, issues) },
    transports: [tcp({ inboundSocketInactivityTimeout: socketIdleMs, outboundSocketInactivityTimeout: socketIdleMs })],
    // TLS carries 2.7 times the messages of Noise (measured); Noise is there for every other libp2p.
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [yamux({ enableKeepAlive: true, keepAliveInterval: init.keepAliveMs ?? KEEP_ALIVE_MS })],
    peerDiscovery: await discovery.modules(),
    connectionGater: createGater(
      { gate },
      { self: peerIdFromPrivateKey(privateKey).toString(), ...(init.denied !== undefined && { denied: init.denied }) }
    ),
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
      identify: parts => identify()(withPublicAddresses(parts)),
      ping: ping(),
      gossip: parts => gossip.service(parts),
      listener: (parts: { transportManager: Listener }): Listener => ({
        listen: addresses => parts.transportManager.listen(addresses)
      })
    }
  })
  const { listener } = libp2p.services
  const listening = new Listening({ listener, log, issues }, { addresses: init.listenAddrs })
  return new MeshNode({ libp2p, gossip, discovery, listening, gate, issues, log }, { ...init, bootstrap })
}

function readKey(protobuf: Uint8Array): PrivateKey {
  try {
    const key = privateKeyFromProtobuf(protobuf)
    if (key.type === 'Ed25519') return key
  } catch (error) {
    throw new MeshError('key_unreadable', { cause: error })
  }
  throw new MeshError('key_unreadable', { detail: 'not an Ed25519 key' })
}
