import { base32 } from 'multiformats/bases/base32'
import { isAddress } from './address.ts'
import { concat, equal, toHex, unshared } from './bytes.ts'
import { ProtocolError } from './errors.ts'
import { hashOf } from './hash.ts'
import { peerLabel } from './label.ts'
import {
  PUBLIC_KEY_BYTES,
  ROUTE_ADDRESSES_MAX,
  TICKET_ID_BYTES,
  TICKET_SECRET_BYTES,
  TICKET_TEXT_MAX_CHARS
} from './limits.ts'
import { Ticket as TicketMessage } from './mesh.pb.ts'
import { demand, parse } from './parse.ts'
import { TICKET } from './shapes.ts'

/**
 * An invitation: whom to meet, where, and the secret that proves that one was invited. Its text is `mesh1` and then, in base32, the bytes of the
 * `Ticket` message and four bytes of checksum.
 */
export interface Ticket {
  /** 32 bytes, Ed25519 public key of the issuer. */
  key: Uint8Array
  /** 16 bytes. */
  secret: Uint8Array
  expiresMs: number
  /** Multiaddrs of the issuer, without its peer id. */
  addresses: string[]
  /** Label of the issuer, empty where it is none. */
  label: string
}

const PREFIX = 'mesh1'
const ANY_PREFIX = /^mesh([0-9])/

const CHECKSUM_DOMAIN = new TextEncoder().encode('libp2p-mesh/1/ticket\0')
const CHECKSUM_BYTES = 4

/** What chats, terminals and people put into a long word, and around it. */
const NOISE = /[\s\p{Pd}\p{Cf}"'`<>.,;]+/gu

/** Digits that base32 leaves out because they look like letters, and the letters. */
const LOOKALIKES: Readonly<Record<string, string>> = { '0': 'o', '1': 'l', '8': 'b' }

/** @throws {ProtocolError} `ticket_malformed` for what is no ticket */
export function formatTicket(ticket: Ticket): string {
  checkTicket(ticket)
  const bytes = TicketMessage.encode({
    key: unshared(ticket.key),
    secret: unshared(ticket.secret),
    expiresMs: ticket.expiresMs,
    addresses: ticket.addresses.map(address => new TextEncoder().encode(address)),
    label: ticket.label
  })
  return `${PREFIX}${base32.baseEncode(concat(bytes, checksumOf(bytes)))}`
}

/**
 * Reads a ticket as people paste it: any case, broken over lines, with spaces, quotes and dashes, with 0, 1 and 8 for o, l and b.
 *
 * @throws {ProtocolError} `ticket_malformed` for what is no ticket at all, `ticket_version` for one of another version, `ticket_checksum` for a
 * mistyped or incomplete one
 */
export function parseTicket(text: string): Ticket {
  demand(text.length <= TICKET_TEXT_MAX_CHARS, 'ticket_malformed', 'too long')
  const word = text.normalize('NFKC').replace(NOISE, '').toLowerCase()
  const version = ANY_PREFIX.exec(word)?.[1]
  demand(version !== undefined, 'ticket_malformed', `a ticket starts with ${PREFIX}`)
  demand(word.startsWith(PREFIX), 'ticket_version', `version ${version}`)
  const bytes = decodeBase32(word.slice(PREFIX.length).replace(/[018]/g, digit => LOOKALIKES[digit] ?? digit))
  const payload = bytes.subarray(0, -CHECKSUM_BYTES)
  const sound = bytes.length > CHECKSUM_BYTES && equal(bytes.subarray(-CHECKSUM_BYTES), checksumOf(payload))
  demand(sound, 'ticket_checksum', 'mistyped or incomplete')
  const { message } = parse(payload, TICKET, TicketMessage.decode, 'ticket_malformed')
  const ticket: Ticket = {
    key: message.key,
    secret: message.secret,
    expiresMs: message.expiresMs,
    addresses: message.addresses.map(bytes => new TextDecoder().decode(bytes)),
    label: peerLabel(message.label)
  }
  checkTicket(ticket)
  return ticket
}

/** 16 hex digits that name a ticket without giving its secret away. */
export function ticketIdOf(secret: Uint8Array): string {
  return toHex(ticketIdBytesOf(secret))
}

export function ticketIdBytesOf(secret: Uint8Array): Uint8Array {
  return hashOf(concat(CHECKSUM_DOMAIN, secret)).subarray(0, TICKET_ID_BYTES)
}

function checkTicket({ key, secret, expiresMs, addresses }: Ticket): void {
  demand(key.length === PUBLIC_KEY_BYTES, 'ticket_malformed', 'key')
  demand(secret.length === TICKET_SECRET_BYTES, 'ticket_malformed', 'secret')
  demand(Number.isSafeInteger(expiresMs) && expiresMs > 0, 'ticket_malformed', 'expiry')
  demand(addresses.length <= ROUTE_ADDRESSES_MAX && addresses.every(isAddress), 'ticket_malformed', 'addresses')
}

function checksumOf(bytes: Uint8Array): Uint8Array {
  return hashOf(concat(CHECKSUM_DOMAIN, bytes)).subarray(0, CHECKSUM_BYTES)
}

function decodeBase32(text: string): Uint8Array {
  try {
    return base32.baseDecode(text)
  } catch (cause) {
    throw new ProtocolError('ticket_checksum', 'a letter that tickets do not have', { cause })
  }
}
