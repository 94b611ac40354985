import type { Inbound } from '../../src/mesh/ports.ts'

export const inbound: Inbound = {
  id: '0123456789abcdef0123456789abcdef',
  hostMessageId: '0123456789abcdef0123456789abcdef',
  conversation: 'fedcba9876543210fedcba9876543210',
  from: {
    instance: 'mfzw-izlb-onsw-i2lo-m5zg-k4tf',
    instanceId: 'brisk-otter@mfzw-izlb-onsw-i2lo-m5zg-k4tf',
    peer: '12D3KooWGRUFBBMjYVrZ6qN7bqgHkqVpNxWGFjMzTgDYuKSCnRxR',
    name: 'brisk-otter'
  },
  text: 'hello\n\u001b[2J',
  sentMs: 0,
  path: 'lan',
  tier: 'reply',
  mayStartTurn: true,
  adoptedBefore: false,
  mayRepeat: false
}

export const messageLine = {
  event: 'message',
  id: inbound.id,
  fromPeerId: inbound.from.peer,
  fromInstanceId: inbound.from.instanceId,
  conversation: inbound.conversation,
  inReplyTo: null,
  text: inbound.text,
  mayRepeat: false
}
