import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Peer, SendResult, Status } from '../../src/control/methods.ts'
import { createStage, type Stage } from './harness/stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await createStage()
})

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]()
})

describe('a peer that is away', () => {
  it('gets its messages in order when it is back, with the same identity', async () => {
    const here = await stage.start('here')
    const away = await stage.start('away', { bootstrapList: here.addresses })
    await stage.pair(here, away)
    expect(await away.stop()).toMatchObject({ code: 0 })
    await here.events.next('peer', ({ state }) => state === 'disconnected')
    const ids: string[] = []
    for (const text of ['one', 'two', 'three']) {
      const sent = await here.ask<SendResult>(['send', 'away', text, '--timeout', '50'], 3)
      expect(sent).toMatchObject({ level: 'pending', path: null, reply: null })
      ids.push(sent.id)
    }
    expect((await here.ask<Peer[]>(['peers']))[0]).toMatchObject({ queued: 3, path: null })

    // The sender restarts too: what it accepted is on its disk.
    expect(await here.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
    const hereAgain = await stage.start('here')
    expect(hereAgain.instanceId).toBe(here.instanceId)
    expect((await hereAgain.ask<Status>(['status'])).outbox).toEqual({ waiting: 3 })
    const awayAgain = await stage.start('away', { bootstrapList: hereAgain.addresses })
    expect(awayAgain.peerId).toBe(away.peerId)
    for (const [index, text] of ['one', 'two', 'three'].entries()) {
      expect(await awayAgain.events.next('message')).toMatchObject({ id: ids[index], text, fromPeerId: here.peerId })
    }
    await Promise.all([hereAgain.stop(), awayAgain.stop()])
    expect(awayAgain.events.all.filter(({ event }) => event === 'message')).toHaveLength(3)
  })
})
