import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeRouteRecord,
  encodeRouteRecord,
  peerIdOf,
  ROUTE_TTL_MS,
  type RouteRecord
} from '../../src/protocol/index.ts'
import { routeRecords } from './arbitraries.ts'
import { bytesField, codeOf, join, numberField, textField } from './proto.ts'

const ADDRESS = '/ip4/192.0.2.7/tcp/4001'
const RECORD: RouteRecord = {
  peer: peerIdOf(new Uint8Array(32).fill(7)),
  seq: 3,
  addresses: [ADDRESS],
  issuedMs: 1_800_000_000_000,
  expiresMs: 1_800_000_000_001,
  label: 'brisk-otter'
}

const FIELDS: Record<number, Uint8Array> = {
  1: textField(1, RECORD.peer),
  2: numberField(2, 3),
  3: textField(3, ADDRESS),
  4: numberField(4, RECORD.issuedMs),
  5: numberField(5, RECORD.expiresMs),
  6: textField(6, 'brisk-otter')
}

const altered = (changes: Record<number, Uint8Array>) => join(...Object.values({ ...FIELDS, ...changes }))
const nothing = new Uint8Array(0)

describe('route record', () => {
  it('goes to bytes and back', () => {
    fc.assert(
      fc.property(routeRecords, record => {
        expect(decodeRouteRecord(encodeRouteRecord(record))).toEqual(record)
      })
    )
  })

  it('is written field by field', () => {
    expect(encodeRouteRecord(RECORD)).toEqual(altered({}))
  })

  it('goes without addresses, and without a label that can be read', () => {
    expect(decodeRouteRecord(altered({ 3: nothing, 6: textField(6, 'a\nb') }))).toEqual({
      ...RECORD,
      addresses: [],
      label: ''
    })
  })

  it.each<[string, Record<number, Uint8Array>, string?]>([
    ['no peer', { 1: nothing }, 'peer_id_malformed'],
    [
      'a peer id without its key',
      { 1: textField(1, 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N') },
      'peer_id_malformed'
    ],
    ['no seq', { 2: nothing }],
    ['nine addresses', { 3: join(...Array.from({ length: 9 }, () => textField(3, ADDRESS))) }],
    ['an empty address', { 3: textField(3, '') }],
    ['an address with a space', { 3: textField(3, '/ip4/192.0.2.7 /tcp/1') }],
    ['an address with an escape', { 3: textField(3, '/dns4/\u001b[31m/tcp/1') }],
    ['an address beyond ASCII', { 3: textField(3, '/dns4/größe.example/tcp/1') }],
    ['an address that is not UTF-8', { 3: bytesField(3, Uint8Array.of(0x2f, 0xff)) }],
    ['an address that is no multiaddr', { 3: textField(3, '192.0.2.7:4001') }],
    ['an address with an empty part', { 3: textField(3, '/ip4//tcp/1') }],
    ['a long address', { 3: textField(3, `/dns4/${'x'.repeat(512)}`) }],
    ['no time', { 4: nothing }],
    ['no expiry', { 5: nothing }],
    ['a life beyond a day', { 5: numberField(5, RECORD.issuedMs + ROUTE_TTL_MS + 1) }],
    ['a peer twice', { 7: textField(1, RECORD.peer) }]
  ])('is not read with %s', (_, changes, code = 'route_malformed') => {
    expect(codeOf(() => decodeRouteRecord(altered(changes)))).toBe(code)
  })

  it.each<[string, RouteRecord, string?]>([
    ['a bad peer id', { ...RECORD, peer: 'x' }, 'peer_id_malformed'],
    ['seq 0', { ...RECORD, seq: 0 }],
    ['nine addresses', { ...RECORD, addresses: Array.from({ length: 9 }, () => ADDRESS) }],
    ['a bad address', { ...RECORD, addresses: ['x'] }],
    ['an expiry that is not later', { ...RECORD, expiresMs: RECORD.issuedMs }],
    ['a bad label', { ...RECORD, label: 'a\nb' }, 'label_malformed']
  ])('is not written with %s', (_, record, code = 'route_malformed') => {
    expect(codeOf(() => encodeRouteRecord(record))).toBe(code)
  })
})
