import { describe, expect, it } from 'vitest'
import type * as slot from '../../src/openclaw/slot.ts'
import { findLiveAccount, liveAccount, publishAccount } from '../../src/openclaw/slot.ts'

const account = {
  client: { call: () => Promise.reject(new Error('nobody asks')), close: async () => undefined },
  health: () => ({ running: true, restarts: 0 }),
  causeOf: () => undefined
}

describe('the slot of the live account', () => {
  it('is empty at first, and says not_running', () => {
    expect(findLiveAccount()).toBeUndefined()
    expect(() => liveAccount()).toThrow(expect.objectContaining({ code: 'not_running' }))
  })

  it('has the newest account, with a generation that grows', () => {
    const withdrawFirst = publishAccount(account)
    const first = liveAccount()
    const withdrawSecond = publishAccount({ ...account })
    const second = liveAccount()
    expect(second).not.toBe(first)
    expect(second.generation).toBe(first.generation + 1)

    withdrawFirst()
    expect(findLiveAccount(), 'an old account takes only itself out').toBe(second)
    withdrawSecond()
    withdrawSecond()
    expect(findLiveAccount()).toBeUndefined()
  })

  it('is shared by every copy of the module in the process', async () => {
    const withdraw = publishAccount(account)
    const address: string = '../../src/openclaw/slot.ts?copy'
    const copy = (await import(address)) as typeof slot
    expect(copy.liveAccount).not.toBe(liveAccount)
    expect(copy.liveAccount()).toBe(liveAccount())
    withdraw()
    expect(copy.findLiveAccount()).toBeUndefined()
  })
})
