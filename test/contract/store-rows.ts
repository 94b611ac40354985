import type { ContactRow, InboxRow, OutboxRow, TicketRow, TurnRow } from '../../src/mesh/ports.ts'

export const ALICE = 'aaaa-aaaa-aaaa-aaaa-aaaa-aaaa'
export const BOB = 'bbbb-bbbb-bbbb-bbbb-bbbb-bbbb'
export const CONVERSATION = 'c0'.repeat(16)
export const EPOCH = 'e0'.repeat(8)

export function idOf(number: number): string {
  return number.toString(16).padStart(32, '0')
}

export function outboxRow(seq: number, change: Partial<OutboxRow> = {}): OutboxRow {
  return {
    id: idOf(seq),
    instance: ALICE,
    peer: '12D3KooWAlice',
    conversation: CONVERSATION,
    seq,
    kind: 'message',
    envelope: Uint8Array.of(1, 2, seq % 256),
    hash: new Uint8Array(32).fill(seq % 256),
    state: 'queued',
    createdMs: 1_000 + seq,
    expiresMs: 100_000,
    ...change
  }
}

export function inboxRow(seq: number, change: Partial<InboxRow> = {}): InboxRow {
  return {
    id: idOf(seq),
    instance: ALICE,
    peer: '12D3KooWAlice',
    epoch: EPOCH,
    conversation: CONVERSATION,
    seq,
    kind: 'message',
    envelope: Uint8Array.of(3, 4, seq % 256),
    hash: new Uint8Array(32).fill(seq % 256),
    receivedMs: 2_000 + seq,
    state: 'received',
    attempt: 0,
    verified: false,
    ...change
  }
}

export function ticketRow(number: number, change: Partial<TicketRow> = {}): TicketRow {
  return {
    id: number.toString(16).padStart(16, '0'),
    secret: new Uint8Array(16).fill(number % 256),
    createdMs: 1_000 + number,
    expiresMs: 100_000,
    uses: 1,
    usedBy: [],
    ...change
  }
}

/** A stranger of its own for each number, with an address of its own. */
export function contactRow(number: number, change: Partial<ContactRow> = {}): ContactRow {
  return {
    instance: `stranger-${number}`,
    direction: 'incoming',
    peer: `12D3KooW${number}`,
    label: 'brisk-otter',
    purpose: 'to compare notes',
    address: `192.0.2.${number}`,
    createdMs: 1_000 + number,
    state: 'pending',
    ...change
  }
}

export function turnRow(atMs: number, change: Partial<TurnRow> = {}): TurnRow {
  return { instance: ALICE, conversation: CONVERSATION, root: idOf(1), atMs, characters: 10, ...change }
}
