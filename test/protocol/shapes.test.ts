import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as shapes from '../../src/protocol/shapes.ts'
import type { Field, Shape } from '../../src/protocol/wire.ts'

const proto = readFileSync(new URL('../../src/protocol/mesh.proto', import.meta.url), 'utf8')

/** `type number [repeated] [oneof]` of every field of a message in mesh.proto. */
function declared(name: string): string[] {
  const block = new RegExp(`^message ${name} \\{\\n(.*?)^\\}`, 'ms').exec(proto)?.[1]
  if (block === undefined) throw new Error(`mesh.proto has no message ${name}`)
  const lines: string[] = []
  let oneof = false
  for (const line of block.split('\n')) {
    if (/^\s*oneof /.test(line)) oneof = true
    else if (/^\s*\}/.test(line)) oneof = false
    const field = /^\s*(repeated )?(\w+) \w+ = (\d+)/.exec(line)
    if (field !== null) lines.push([field[2], field[3], field[1]?.trim(), oneof ? 'oneof' : undefined].join(' ').trim())
  }
  return lines.map(line => line.replace(/ +/g, ' '))
}

const MESSAGES: Record<string, Shape> = {
  Frame: shapes.FRAME,
  Envelope: shapes.ENVELOPE,
  Signed: shapes.SIGNED,
  RouteRecord: shapes.ROUTE_RECORD,
  PairFrame: shapes.PAIR_FRAME,
  TicketProof: shapes.TICKET_PROOF,
  ContactRequest: shapes.CONTACT_REQUEST,
  Ticket: shapes.TICKET
}

function described(number: string, field: Field, type: string): string {
  return [type, number, field.repeated && 'repeated', field.oneof && 'oneof']
    .filter(part => part !== undefined)
    .join(' ')
}

/** Checks a shape against its message and goes on into the messages inside. */
function compare(name: string, shape: Shape, compared: Set<string>): void {
  const lines = declared(name)
  const fields = Object.entries(shape)
  const types = lines.map(line => line.split(' ')[0] ?? '')
  const found = fields.map(([number, field], i) =>
    described(number, field, typeof field.type === 'string' ? field.type : (types[i] ?? ''))
  )
  expect(found, name).toEqual(lines)
  compared.add(name)
  for (const [i, [, { type }]] of fields.entries())
    if (typeof type === 'object') compare(types[i] ?? '', type, compared)
}

describe('shapes', () => {
  it('say of every message what mesh.proto says', () => {
    const compared = new Set<string>()
    for (const [name, shape] of Object.entries(MESSAGES)) compare(name, shape, compared)
    expect([...compared].sort()).toEqual([...proto.matchAll(/^message (\w+)/gm)].map(match => match[1]).sort())
  })

  it('never pack numbers, which the generated codec does not read', () => {
    for (const line of proto.split('\n').filter(text => /^\s*repeated (u?int|bool)/.test(text))) {
      expect(line).toContain('[packed = false]')
    }
  })
})
