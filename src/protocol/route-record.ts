import { isAddress } from './address.ts'
import { unshared } from './bytes.ts'
import { parseLabel, peerLabel } from './label.ts'
import { ROUTE_ADDRESSES_MAX, ROUTE_TTL_MS } from './limits.ts'
import { RouteRecord as RouteRecordMessage } from './mesh.pb.ts'
import { demand, parse } from './parse.ts'
import { publicKeyOf } from './peer-id.ts'
import { ROUTE_RECORD } from './shapes.ts'

/** Where a peer says that it can be reached: the body of an envelope of kind route. Whether an address may be dialled is decided elsewhere. */
export interface RouteRecord {
  /** Base58btc peer id of an Ed25519 key. */
  peer: string
  /** Grows with every record of the peer, from 1. */
  seq: number
  /** Multiaddrs in their text form, 8 at most; none where nothing listens. */
  addresses: string[]
  /** ms since 1970. */
  issuedMs: number
  /** After `issuedMs`, by a day at most. */
  expiresMs: number
  /** Decoration; empty where there is none that this side can read. */
  label: string
}

/** @throws {ProtocolError} `route_malformed`, `peer_id_malformed`, `label_malformed` */
export function encodeRouteRecord(record: RouteRecord): Uint8Array {
  checkRoute(record)
  return RouteRecordMessage.encode({
    peerId: record.peer,
    seq: record.seq,
    addresses: record.addresses.map(address => unshared(new TextEncoder().encode(address))),
    issuedMs: record.issuedMs,
    expiresMs: record.expiresMs,
    label: record.label === '' ? '' : parseLabel(record.label)
  })
}

/** @throws {ProtocolError} `route_malformed`, `peer_id_malformed` */
export function decodeRouteRecord(bytes: Uint8Array): RouteRecord {
  const { message } = parse(bytes, ROUTE_RECORD, RouteRecordMessage.decode, 'route_malformed')
  check(message.addresses.length <= ROUTE_ADDRESSES_MAX, 'addresses')
  const record = {
    peer: message.peerId,
    seq: message.seq,
    // Bytes that are not UTF-8 become U+FFFD here, which no address may hold.
    addresses: message.addresses.map(address => new TextDecoder().decode(address)),
    issuedMs: message.issuedMs,
    expiresMs: message.expiresMs,
    label: peerLabel(message.label)
  }
  checkRoute(record)
  return record
}

function checkRoute({ peer, seq, addresses, issuedMs, expiresMs }: RouteRecord): void {
  publicKeyOf(peer)
  check(Number.isSafeInteger(seq) && seq >= 1, 'seq')
  check(addresses.length <= ROUTE_ADDRESSES_MAX, 'addresses')
  check(addresses.every(isAddress), 'address')
  check(Number.isSafeInteger(issuedMs) && issuedMs >= 1, 'issued')
  check(Number.isSafeInteger(expiresMs) && expiresMs > issuedMs && expiresMs - issuedMs <= ROUTE_TTL_MS, 'expiry')
}

function check(condition: boolean, what: string): asserts condition {
  demand(condition, 'route_malformed', what)
}
