import { isLoopback } from './paths.ts'

/** The settings that say which parts of libp2p run. */
export interface SwitchSettings {
  listenAddrs: string[]
  /** @default false, as all of them, so that a node does nothing that it was not asked for */
  enableWebSocket?: boolean
  enableNATTraversal?: boolean
  /** @default true */
  enableIdentify?: boolean
  enableAutoNAT?: boolean
  enableUPnP?: boolean
  enableCircuitRelay?: boolean
  enableCircuitRelayServer?: boolean
}

export interface Switches {
  webSocket: boolean
  identify: boolean
  autoNat: boolean
  upnp: boolean
  /** Dials through relays, and reserves on those of the settings. */
  relayClient: boolean
  relayServer: boolean
}

/** What runs, from what is asked for: the master switch rules all but WebSockets, and nothing that listens on loopback alone asks routers or others about it. */
export function switchesOf(settings: SwitchSettings): Switches {
  const nat = settings.enableNATTraversal ?? false
  const identify = settings.enableIdentify ?? true
  const outward = settings.listenAddrs.some(address => !isLoopback(address))
  return {
    webSocket: settings.enableWebSocket ?? false,
    identify: settings.enableNATTraversal === undefined ? identify : nat && identify,
    autoNat: nat && identify && outward && (settings.enableAutoNAT ?? false),
    upnp: nat && outward && (settings.enableUPnP ?? false),
    relayClient: nat && (settings.enableCircuitRelay ?? false),
    relayServer: nat && (settings.enableCircuitRelayServer ?? false)
  }
}
