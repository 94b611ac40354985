import { describe, expect, it } from 'vitest'
import { VerifiedRoots } from '../../src/protocol/index.ts'

const key = new Uint8Array(32)
const sig = new Uint8Array(64)
const rootOf = (n: number) => new Uint8Array(32).fill(n)

/** Counts how often it is asked. */
function verifier(answer: boolean | Error) {
  const asked = { times: 0 }
  const verify = async () => {
    asked.times++
    if (answer instanceof Error) throw answer
    return answer
  }
  return { asked, verify }
}

describe('VerifiedRoots', () => {
  it('asks once for a good root, also while the answer is on its way', async () => {
    const roots = new VerifiedRoots()
    const { asked, verify } = verifier(true)
    expect(await Promise.all([1, 2, 3].map(() => roots.check(key, rootOf(1), sig, verify)))).toEqual([true, true, true])
    expect(await roots.check(key, rootOf(1), sig, verify)).toBe(true)
    expect(asked.times).toBe(1)
  })

  it('asks again for another key, root or signature', async () => {
    const roots = new VerifiedRoots()
    const { asked, verify } = verifier(true)
    await roots.check(key, rootOf(1), sig, verify)
    await roots.check(key, rootOf(2), sig, verify)
    await roots.check(
      key.map(() => 1),
      rootOf(1),
      sig,
      verify
    )
    await roots.check(
      key,
      rootOf(1),
      sig.map(() => 1),
      verify
    )
    expect(asked.times).toBe(4)
  })

  it('keeps no bad root and no failure', async () => {
    const roots = new VerifiedRoots()
    const bad = verifier(false)
    expect(await roots.check(key, rootOf(1), sig, bad.verify)).toBe(false)
    expect(await roots.check(key, rootOf(1), sig, bad.verify)).toBe(false)
    expect(bad.asked.times).toBe(2)
    const broken = verifier(new Error('no answer'))
    await expect(roots.check(key, rootOf(1), sig, broken.verify)).rejects.toThrow('no answer')
    expect(roots.size).toBe(0)
  })

  it('holds so many and forgets the least recently used', async () => {
    const roots = new VerifiedRoots(2)
    const { asked, verify } = verifier(true)
    for (const n of [1, 2, 1, 3]) await roots.check(key, rootOf(n), sig, verify)
    expect(roots.size).toBe(2)
    expect(asked.times).toBe(3)
    await roots.check(key, rootOf(1), sig, verify)
    expect(asked.times).toBe(3)
    await roots.check(key, rootOf(2), sig, verify)
    expect(asked.times).toBe(4)
  })
})
