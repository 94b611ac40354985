/** Longest text of a multiaddr: a DNS name of 253 characters with a certificate hash and a relay hop stays below. */
export const ADDRESS_MAX_CHARS = 512

/** Printable ASCII without spaces, a slash first. */
const ADDRESS = /^(?:\/[!-.0-~]+)+$/

const BYTE_MAX = 255
const PORT_MAX = 65_535

/** Protocols of multiaddrs that a host can listen on, dial or announce, with what their value must be; none has no value. */
const PARTS: ReadonlyMap<string, ((value: string) => boolean) | undefined> = new Map([
  ['ip4', isIpv4],
  ['ip6', isIpv6],
  ['dns', isName],
  ['dns4', isName],
  ['dns6', isName],
  ['dnsaddr', isName],
  ['sni', isName],
  ['tcp', isPort],
  ['udp', isPort],
  ['p2p', isBase58],
  ['certhash', isMultibase],
  ...['p2p-circuit', 'ws', 'wss', 'tls', 'quic-v1', 'webtransport', 'webrtc-direct'].map(
    (name): [string, undefined] => [name, undefined]
  )
])

/** Whether this is the text of a multiaddr by its form: what peers may say of theirs, known here or not. */
export function isAddress(text: string): boolean {
  return text.length <= ADDRESS_MAX_CHARS && ADDRESS.test(text)
}

/** Whether this is a multiaddr that an owner may set: protocols that are known here, each with a right value. */
export function isKnownAddress(text: string): boolean {
  if (!isAddress(text)) return false
  const parts = text.split('/').slice(1)
  for (let index = 0; index < parts.length; index++) {
    const name = parts[index] ?? ''
    if (!PARTS.has(name)) return false
    const rule = PARTS.get(name)
    if (rule !== undefined && !rule(parts[++index] ?? '')) return false
  }
  return true
}

/** Without this peer's own id at the end, if it stands there. */
export function withoutPeer(address: string, peer: string): string {
  const suffix = `/p2p/${peer}`
  return address.endsWith(suffix) ? address.slice(0, -suffix.length) : address
}

function isIpv4(text: string): boolean {
  const bytes = text.split('.')
  return bytes.length === 4 && bytes.every(byte => isNumber(byte, BYTE_MAX))
}

function isIpv6(text: string): boolean {
  return text.includes(':') && URL.canParse(`http://[${text}]/`)
}

function isPort(text: string): boolean {
  return isNumber(text, PORT_MAX)
}

function isNumber(text: string, max: number): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= max
}

function isName(text: string): boolean {
  return text.length <= 253 && /^(?:[\w](?:[\w-]{0,61}[\w])?\.)*[\w](?:[\w-]{0,61}[\w])?\.?$/.test(text)
}

function isBase58(text: string): boolean {
  return /^[1-9A-HJ-NP-Za-km-z]+$/.test(text)
}

function isMultibase(text: string): boolean {
  return /^u[\w-]+$/.test(text)
}
