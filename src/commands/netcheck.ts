import type { Result } from '../control/methods.ts'
import { ADDRESS_MAX_CHARS, safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { LINE_MAX_CHARS, listed, reachable, relayLine } from './network-lines.ts'
import { fields } from './table.ts'

type Netcheck = Result<'netcheck'>

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
    ...listed('listens', listeners, { none: 'nowhere' }),
    ...listed(
      'interface',
      interfaces.map(({ name, address, kind }) => `${safe(name)} ${safe(address)} ${kind}`),
      { none: 'none' }
    ),
    ['multicast', stated(multicast)],
    ['ipv6', `${ipv6.global ? 'global' : 'none'}: ${safe(ipv6.detail, LINE_MAX_CHARS)}`],
    ['upnp', stated(upnp)],
    ...listed('', upnp.addresses),
    ['reachable', reachable(found.reachability)],
    ...listed(
      'address',
      addresses.map(({ address, verdict }) => `${safe(address, ADDRESS_MAX_CHARS)} ${verdict}`)
    ),
    ['nat mapping', MAPPINGS[natMapping.kind]],
    ...listed('seen as', natMapping.seen),
    ...listed('relay', relays.map(relayLine), { none: 'none' }),
    ['advice', safe(found.advice, LINE_MAX_CHARS)]
  ])
}

function stated({ state, detail }: { state: string; detail: string }): string {
  return `${state}: ${safe(detail, LINE_MAX_CHARS)}`
}
