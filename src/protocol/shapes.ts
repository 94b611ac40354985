import type { Shape } from './wire.ts'

/** The messages of mesh.proto for the strict reading in wire.ts. A test compares them with the file. */

const HELLO: Shape = {
  1: { type: 'uint32' },
  2: { type: 'uint32', repeated: true },
  3: { type: 'uint32' },
  4: { type: 'bytes' },
  5: { type: 'uint64' },
  6: { type: 'bool' },
  7: { type: 'string' }
}

export const ENVELOPE: Shape = {
  1: { type: 'bytes' },
  2: { type: 'bytes' },
  3: { type: 'uint32' },
  4: { type: 'bytes', repeated: true }
}

const RECEIPT: Shape = {
  1: { type: 'bytes' },
  2: { type: 'uint32' },
  3: { type: 'bytes' },
  4: { type: 'uint32' },
  5: { type: 'uint32' },
  6: { type: 'uint64' },
  7: { type: 'bytes' }
}

const RECEIPTS: Shape = { 1: { type: RECEIPT, repeated: true } }

export const FRAME: Shape = {
  1: { type: HELLO, oneof: true },
  2: { type: ENVELOPE, oneof: true },
  3: { type: RECEIPTS, oneof: true }
}

const TRACE: Shape = {
  1: { type: 'bytes' },
  2: { type: 'bytes' },
  3: { type: 'uint32' },
  4: { type: 'bytes', repeated: true }
}

const CHUNK: Shape = {
  1: { type: 'uint32' },
  2: { type: 'uint32' },
  3: { type: 'bytes' }
}

export const SIGNED: Shape = {
  1: { type: 'uint32' },
  2: { type: 'uint32' },
  3: { type: 'bytes' },
  4: { type: 'bytes' },
  5: { type: 'bytes' },
  6: { type: 'bytes' },
  7: { type: 'string' },
  8: { type: 'bytes' },
  9: { type: 'bytes' },
  10: { type: 'uint64' },
  11: { type: 'bytes' },
  12: { type: 'uint64' },
  13: { type: 'uint64' },
  14: { type: TRACE },
  15: { type: 'bytes', oneof: true },
  16: { type: CHUNK, oneof: true },
  17: { type: 'bytes', oneof: true }
}

export const ROUTE_RECORD: Shape = {
  1: { type: 'string' },
  2: { type: 'uint64' },
  3: { type: 'bytes', repeated: true },
  4: { type: 'uint64' },
  5: { type: 'uint64' },
  6: { type: 'string' }
}

const PAIR_REQUEST: Shape = {
  1: { type: 'uint32' },
  2: { type: 'bytes' }
}

const PAIR_ANSWER: Shape = {
  1: { type: 'bool' },
  2: { type: 'uint32' },
  3: { type: 'string' }
}

export const TICKET_PROOF: Shape = {
  1: { type: 'bytes' },
  2: { type: 'bytes' },
  3: { type: 'string' }
}

export const CONTACT_REQUEST: Shape = {
  1: { type: 'string' },
  2: { type: 'string' }
}

export const TICKET: Shape = {
  1: { type: 'bytes' },
  2: { type: 'bytes' },
  3: { type: 'uint64' },
  4: { type: 'bytes', repeated: true },
  5: { type: 'string' }
}

export const PAIR_FRAME: Shape = {
  1: { type: PAIR_REQUEST, oneof: true },
  2: { type: PAIR_ANSWER, oneof: true }
}
