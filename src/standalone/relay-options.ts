import { type Options, type RepeatedValues, UsageError } from '../commands/index.ts'
import {
  type Fingerprint,
  fingerprintOfPeer,
  isKnownAddress,
  ProtocolError,
  parseInstanceId,
  safe
} from '../protocol/index.ts'

export const relayOptions = {
  listen: { type: 'string', placeholder: 'multiaddr', description: 'Where it listens; may be given again.' },
  announce: {
    type: 'string',
    placeholder: 'multiaddr',
    description: 'Where others find it, if that is not an address of this machine; may be given again.'
  },
  allow: {
    type: 'string',
    placeholder: 'id',
    description: 'Instance id or peer id that may hold a reservation; may be given again, or several with commas.'
  },
  open: { type: 'boolean', description: 'Anybody may hold a reservation, within quotas.' },
  json: { type: 'boolean', description: 'Print JSON lines.' },
  verbose: { type: 'boolean', short: 'v', description: 'Log the steps too.' }
} as const satisfies Options

/** More than any machine has; what is longer is a mistake. */
const ADDRESSES_MAX = 16
const ALLOWED_MAX = 1_000

/** What can be listened on: an address of a machine, TCP, and WebSockets on it. */
const LISTENED = /^\/ip[46]\/[^/]+\/tcp\/\d+(?:\/ws)?$/
const ANNOUNCED = /^\/(?:ip[46]|dns[46]?)\/[^/]+\/tcp\/\d+(?:\/tls)?(?:\/wss?)?$/

export interface RelayArguments {
  listen: string[]
  announce: string[]
  allow: 'everybody' | Fingerprint[]
}

/** @throws UsageError with the first that is wrong */
export function relayArguments(given: RepeatedValues): RelayArguments {
  const listen = addresses('listen', given['listen'], LISTENED)
  if (listen.length === 0)
    throw new UsageError(
      'relay needs --listen <multiaddr>: where it listens, for example --listen /ip4/0.0.0.0/tcp/4001.'
    )
  const announce = addresses('announce', given['announce'], ANNOUNCED)
  const ids = (given['allow'] ?? []).flatMap(value => `${value}`.split(',')).map(id => id.trim())
  const open = given['open'] !== undefined
  if (open === ids.length > 0)
    throw new UsageError(
      `relay needs ${open ? 'one of --allow and --open, not both' : '--allow <id> for each peer that may hold a reservation, or --open for anybody'}.`
    )
  if (ids.length > ALLOWED_MAX) throw new UsageError(`--allow names ${ids.length} peers: at most ${ALLOWED_MAX} fit.`)
  return { listen, announce, allow: open ? 'everybody' : ids.map(fingerprintFrom) }
}

function addresses(name: string, values: RepeatedValues[string] = [], form: RegExp): string[] {
  const list = values.map(String)
  const sample = name === 'listen' ? '/ip4/0.0.0.0/tcp/4001' : '/ip4/<public address>/tcp/4001'
  for (const address of list) {
    if (address.includes('/p2p/'))
      throw new UsageError(`--${name} is "${safe(address)}": leave /p2p/ and the id out, the relay adds its own.`)
    if (!isKnownAddress(address) || !form.test(address))
      throw new UsageError(`--${name} is "${safe(address)}": expected a multiaddr of TCP such as ${sample}.`)
  }
  if (list.length > ADDRESSES_MAX)
    throw new UsageError(`--${name} is given ${list.length} times: at most ${ADDRESSES_MAX} fit.`)
  return [...new Set(list)]
}

function fingerprintFrom(id: string): Fingerprint {
  const owner = fingerprintOfPeer(id)
  if (owner !== undefined) return owner
  try {
    return parseInstanceId(id).fingerprint
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new UsageError(
      `--allow is "${safe(id)}": expected an instance id or a peer id; copy it from the other side's status.`
    )
  }
}
