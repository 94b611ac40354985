import type { Inbound } from '../../src/mesh/ports.ts'

/** A peer's text as the mesh hands it to the host. */
export function inboundOf(text: string, change: Partial<Inbound> = {}): Inbound {
  return {
    id: 'a1'.repeat(16),
    hostMessageId: `${'a1'.repeat(16)}#2`,
    conversation: 'c0'.repeat(16),
    from: {
      instance: 'aaaa-bbbb-cccc-dddd-eeee-ffff',
      instanceId: 'ana@aaaa-bbbb-cccc-dddd-eeee-ffff',
      peer: '12D3KooWAna',
      name: 'ana'
    },
    text,
    sentMs: 1_700_000_000_000,
    path: 'lan',
    tier: 'reply',
    mayStartTurn: true,
    adoptedBefore: false,
    mayRepeat: false,
    ...change
  }
}
