import { describe, expect, it } from 'vitest'
import { epochToBytes, idToBytes } from '../../src/protocol/id.ts'
import { fromHex, isEpoch, isId, newEpoch, newId, toHex } from '../../src/protocol/index.ts'

describe('ids', () => {
  it('are 32 hex digits and never the same', () => {
    const made = new Set(Array.from({ length: 1000 }, newId))
    expect(made.size).toBe(1000)
    for (const id of made) expect(isId(id)).toBe(true)
    expect(isEpoch(newEpoch())).toBe(true)
  })

  it.each(['', 'a'.repeat(31), 'a'.repeat(33), 'A'.repeat(32), 'g'.repeat(32), `${'a'.repeat(32)}\n`, '__proto__'])(
    'are strict: %j',
    text => {
      expect(isId(text)).toBe(false)
      expect(idToBytes(text)).toBeUndefined()
      expect(epochToBytes(text)).toBeUndefined()
    }
  )

  it('go to bytes and back', () => {
    const id = newId()
    const bytes = idToBytes(id) ?? new Uint8Array(0)
    expect(bytes).toHaveLength(16)
    expect(toHex(bytes)).toBe(id)
  })

  it('read hex of every byte, and nothing else', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    expect(toHex(all)).toBe(Buffer.from(all).toString('hex'))
    expect(fromHex(toHex(all))).toEqual(all)
    for (const text of ['a', 'ag', 'ga', 'AA', ' a', 'é0', '/0', ':0', '`0'])
      expect(fromHex(text), text).toBeUndefined()
  })
})
