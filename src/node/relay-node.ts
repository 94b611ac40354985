import type { networkInterfaces } from 'node:os'
import { type IdentifyComponents, identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Clock, Log, RelayUsage } from '../mesh/ports.ts'
import { readKey } from './assemble.ts'
import { AutoNat } from './autonat.ts'
import { Crowd } from './crowd.ts'
import { peerIdOf } from './dialler.ts'
import { endConnection } from './ending.ts'
import { Gate } from './gate.ts'
import { createGater } from './gater.ts'
import { Issues } from './issues.ts'
import { type Listener, Listening } from './listening.ts'
import { ownInterfaces } from './own-interfaces.ts'
import { AGENT_VERSION } from './protocols.ts'
import { withPublicAddresses } from './public-addresses.ts'
import { RelayServer } from './relay-server.ts'
import { OPEN_RELAY_LIMITS, PROGRAM_RELAY_LIMITS } from './relay-server-limits.ts'
import type { RelayEvent } from './relay-server-report.ts'

/** Each costs about 1 MiB at most: those who hold reservations, and those who call them. */
const CONNECTIONS_MAX = 600

/** Of them those of peers that hold no reservation and are not on the list: they call somebody and go. And those of one address. */
const STRANGERS_MAX = 300
const STRANGERS_PER_HOST_MAX = 64

/** As in a node of the mesh: a flood of sockets in their handshake must not keep out who comes honestly. */
const PENDING_MAX = 2_000
const UPGRADE_MS = 4_000
const INBOUND_PER_SECOND = 40

const SOCKET_IDLE_MS = 120_000
const KEEP_ALIVE_MS = 30_000

/** A peer that is gone without a word holds its slot for this long at most. */
const LIVENESS_INTERVAL_MS = 15_000
const LIVENESS_ANSWER_MS = 10_000

/** What one stream may send ahead: many circuits share the memory of a small machine. */
const WINDOW_MAX_BYTES = 1024 * 1024

const PING_STREAMS_MAX = 8

export interface RelayNodeInit {
  listen: string[]
  /** Told to peers instead of what this machine knows of itself. */
  announce: string[]
  /** Anybody may hold a reservation. */
  open: boolean
  carries(peer: string): boolean
  onEvent(event: RelayEvent): void
  interfaces?: typeof networkInterfaces
}

/** What runs on a public machine for others: no mesh, no inbox. */
export interface RelayNode {
  readonly peer: string
  /** Where peers find it, with its peer id. */
  addresses(): string[]
  /** What does not work at present. */
  issues(): string[]
  usage(): RelayUsage
  stop(): Promise<void>
}

/** Starts a relay. An address that it cannot listen on is said in the issues and tried again; with none left it is there all the same. */
export async function startRelayNode(
  components: { privateKeyProtobuf: Uint8Array; log: Log; clock: Pick<Clock, 'wallMs'> },
  init: RelayNodeInit
): Promise<RelayNode> {
  const { log, clock } = components
  const privateKey = readKey(components.privateKeyProtobuf)
  const peer = peerIdFromPrivateKey(privateKey).toString()
  const interfaces = ownInterfaces(init.interfaces)
  const issues = new Issues()
  // What AutoNAT is asked to dial: public addresses of others, and no service of this machine.
  const gate = new Gate(
    { ownAddresses: () => libp2p.getMultiaddrs().map(String), interfaces },
    { listenAddrs: [], settings: [] }
  )
  const relay = new RelayServer(
    { log, clock },
    {
      carries: init.carries,
      limits: init.open ? OPEN_RELAY_LIMITS : PROGRAM_RELAY_LIMITS,
      onEvent(event) {
        init.onEvent(event)
        if (event.event !== 'reservation' || event.state !== 'ended') return
        for (const connection of libp2p.getConnections(peerIdOf(event.peer))) {
          // Only so it learns that it needs another relay today.
          if (event.reason === 'spent') void endConnection(connection)
          // It counts from now on.
          else crowd.opened(connection)
        }
      }
    }
  )
  // Who may hold a reservation because anybody may is a stranger all the same, and has nobody else dialled.
  const carries = init.open ? () => false : init.carries
  const autoNat = new AutoNat({ log, carries, onChange: () => undefined }, { on: true })
  const libp2p = await createLibp2p({
    start: false,
    privateKey,
    nodeInfo: { userAgent: AGENT_VERSION },
    addresses: { listen: [], announce: init.announce },
    transports: [
      tcp({ inboundSocketInactivityTimeout: SOCKET_IDLE_MS, outboundSocketInactivityTimeout: SOCKET_IDLE_MS }),
      webSockets()
    ],
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [
      yamux({
        enableKeepAlive: true,
        keepAliveInterval: KEEP_ALIVE_MS,
        streamOptions: { maxStreamWindowSize: WINDOW_MAX_BYTES }
      })
    ],
    connectionGater: createGater({ gate }, { self: peer }),
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      maxIncomingPendingConnections: PENDING_MAX,
      inboundUpgradeTimeout: UPGRADE_MS,
      inboundConnectionThreshold: INBOUND_PER_SECOND
    },
    connectionMonitor: {
      pingInterval: LIVENESS_INTERVAL_MS,
      pingTimeout: { minTimeout: LIVENESS_ANSWER_MS, maxTimeout: LIVENESS_ANSWER_MS }
    },
    services: {
      // What the operator announces is for everybody; what the machine knows of itself may be private (S-29).
      identify: (parts: IdentifyComponents) =>
        identify()(init.announce.length > 0 ? parts : withPublicAddresses(parts)),
      ping: ping({ maxInboundStreams: PING_STREAMS_MAX, maxOutboundStreams: PING_STREAMS_MAX }),
      ...(await autoNat.services()),
      relay: relay.service.bind(relay),
      listener: (parts: { transportManager: Listener }): Listener => ({
        listen: addresses => parts.transportManager.listen(addresses)
      })
    }
  })
  const crowd = new Crowd(
    {
      log,
      welcome: id => carries(id) || relay.holds(id),
      connectionsOf: id => libp2p.getConnections(peerIdOf(id))
    },
    { max: STRANGERS_MAX, perHostMax: STRANGERS_PER_HOST_MAX }
  )
  libp2p.addEventListener('connection:open', ({ detail }) => crowd.opened(detail))
  libp2p.addEventListener('connection:close', ({ detail }) => crowd.forget(detail))
  const { listener } = libp2p.services
  const listening = new Listening({ listener, log, issues }, { addresses: init.listen })
  await libp2p.start()
  await listening.start()
  return {
    peer,
    addresses: () => libp2p.getMultiaddrs().map(String),
    issues: () => issues.list(),
    usage: () => relay.usage(),
    async stop() {
      listening.stop()
      // Who restarts a relay waits for it, and its peers come back by themselves: nobody is asked to leave politely.
      for (const connection of libp2p.getConnections()) connection.abort(new Error('the relay stops'))
      await libp2p.stop()
    }
  }
}
