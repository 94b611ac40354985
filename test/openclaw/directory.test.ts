import { describe, expect, it } from 'vitest'
import { directoryEntries } from '../../src/openclaw/directory.ts'
import { PEER } from './live.ts'

const bob = PEER
const ana = { ...PEER, instanceId: 'ana@zzzz', peerId: null, name: 'ana', trust: 'trusted' as const }
const peers = [
  bob,
  ana,
  { ...PEER, name: 'stranger', trust: 'unknown' as const },
  { ...PEER, name: 'foe', trust: 'blocked' as const }
]

describe('the directory', () => {
  it('S1.54: lists admitted peers by instance id, with the peer id as handle where it is known', () => {
    expect(directoryEntries(peers, undefined, undefined)).toEqual([
      { kind: 'user', id: bob.instanceId, name: 'bob', handle: '12D3KooWbob' },
      { kind: 'user', id: 'ana@zzzz', name: 'ana', handle: 'ana@zzzz' }
    ])
  })

  it.each([
    ['BOB', ['bob']],
    [' kooWb ', ['bob']],
    ['zzzz', ['ana']],
    ['', ['bob', 'ana']],
    [null, ['bob', 'ana']],
    ['nobody', []]
  ])('finds %j by name, instance id and peer id', (query, names) => {
    expect(directoryEntries(peers, query, null).map(({ name }) => name)).toEqual(names)
  })

  it('stops at the limit', () => {
    expect(directoryEntries(peers, undefined, 1).map(({ name }) => name)).toEqual(['bob'])
  })

  it('S-17: prints no name that could move a cursor', () => {
    const [entry] = directoryEntries([{ ...bob, name: 'bob\u001b[2J\n' }], undefined, undefined)
    expect(entry?.name).toBe('bob\\u001b[2J\\u000a')
  })
})
