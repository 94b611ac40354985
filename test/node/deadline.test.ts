import { expect, it } from 'vitest'
import { withDeadline } from '../../src/node/deadline.ts'

const never = (): Promise<never> => new Promise(() => undefined)

it('gives the result of work that ends in time', async () => {
  expect(await withDeadline(1_000, async () => 7)).toBe(7)
})

it('ends work that takes too long, whether it listens or not', async () => {
  let seen: unknown
  const late = withDeadline(20, signal => {
    signal.addEventListener('abort', () => {
      seen = signal.reason
    })
    return never()
  })
  await expect(late).rejects.toMatchObject({ name: 'TimeoutError' })
  expect(seen).toMatchObject({ name: 'TimeoutError' })
})

it("passes the caller's reason on, before and during the work", async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  const running = withDeadline(1_000, never, { signal: controller.signal })
  controller.abort(reason)
  await expect(running).rejects.toBe(reason)
  let started = false
  const work = async (): Promise<void> => {
    started = true
  }
  await expect(withDeadline(1_000, work, { signal: controller.signal })).rejects.toBe(reason)
  expect(started).toBe(false)
})
