import type { Result } from '../control/methods.ts'
import { ADDRESS_MAX_CHARS, safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { reachable, relayLine } from './network-lines.ts'
import { fields } from './table.ts'

type Netcheck = Result<'netcheck'>

/** A sentence, or an address with what stands beside it. */
const LINE_MAX_CHARS = 600

const MAPPINGS: Record<Netcheck['natMapping']['kind'], string> = {
  none: 'none: others see the addresses of this machine itself',
  same: 'same for every destination',
  different: 'different for each destination',
  unknown: 'unknown: fewer than two others have said how they see this instance'
}

export const netcheck = defineCommand({
  name: 'netcheck',
  summary: 'Check what this machine and its networks allow, and say what would help most.',
  example: 'netcheck --json',
  positionals: [],
  options: {},
  async run({ client, out, signal }) {
    const found = await client.call('netcheck', {}, { signal })
    out.result(found, () => lines(found))
    return EXIT.done
  }
})

function lines(found: Netcheck): string[] {
  const { listeners, interfaces, multicast, upnp, addresses, natMapping, relays, ipv6 } = found
  return fields([
    ...many('listens', listeners, 'nowhere'),
    ...many(
      'interface',
      interfaces.map(({ name, address, kind }) => `${safe(name)} ${safe(address)} ${kind}`),
      'none'
    ),
    ['multicast', stated(multicast)],
    ['ipv6', `${ipv6.global ? 'global' : 'none'}: ${safe(ipv6.detail, LINE_MAX_CHARS)}`],
    ['upnp', stated(upnp)],
    ...many('', upnp.addresses),
    ['reachable', reachable(found.reachability)],
    ...many(
      'address',
      addresses.map(({ address, verdict }) => `${safe(address, ADDRESS_MAX_CHARS)} ${verdict}`)
    ),
    ['nat mapping', MAPPINGS[natMapping.kind]],
    ...many('seen as', natMapping.seen),
    ...many('relay', relays.map(relayLine), 'none'),
    ['advice', safe(found.advice, LINE_MAX_CHARS)]
  ])
}

function stated({ state, detail }: { state: string; detail: string }): string {
  return `${state}: ${safe(detail, LINE_MAX_CHARS)}`
}

function many(name: string, values: readonly string[], none?: string): [string, string][] {
  if (values.length === 0) return none === undefined ? [] : [[name, none]]
  return values.map((value, index) => [index === 0 ? name : '', safe(value, LINE_MAX_CHARS)])
}
