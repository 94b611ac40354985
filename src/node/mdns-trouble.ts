/** Why mDNS does not work, or not fully. */
export type MdnsTrouble =
  /** No interface has neighbours. */
  | { kind: 'no_network' }
  /** Another program keeps the port to itself. */
  | { kind: 'port_taken' }
  /** So many packets come that reading them would be all the work there is. */
  | { kind: 'flooded' }
  /** The system said no. */
  | { kind: 'failed'; code: string }
  /** On these interfaces nothing gets out, or nothing of it comes back. */
  | { kind: 'blocked'; interfaces: string[]; code?: string }

const LOST = 'instances nearby are not found by themselves; bootstrapList finds them without mDNS.'

/** One sentence for the owner. */
export function sentenceOf(trouble: MdnsTrouble): string {
  switch (trouble.kind) {
    case 'no_network':
      return 'mDNS has nobody to ask: this machine has no address on a local network at present.'
    case 'port_taken':
      return 'mDNS works one way only: another program keeps UDP port 5353 to itself, so this instance finds others, but others do not find it.'
    case 'flooded':
      return `mDNS pauses: far more packets arrive at UDP port 5353 than any network needs; meanwhile ${LOST}`
    case 'failed':
      return `mDNS does not work on this machine (${trouble.code}): ${LOST}`
    case 'blocked': {
      const reason = trouble.code ?? 'no packet comes back, as behind a firewall'
      return `mDNS does not work on ${trouble.interfaces.join(', ')} (${reason}): ${LOST}`
    }
  }
}
