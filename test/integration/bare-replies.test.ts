import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SendResult, Status } from '../../src/control/methods.ts'
import type { BareNode } from './harness/bare-node.ts'
import { createStage, SHOUT, STOP_MAX_MS, type Stage } from './harness/stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await createStage()
})

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]()
})

describe('two nodes that always answer', () => {
  it('stop after one exchange', async () => {
    const ping = await stage.start('ping', { replyCommand: SHOUT })
    const pong = await stage.start('pong', { bootstrapList: ping.addresses, replyCommand: SHOUT })
    await stage.pair(ping, pong)
    const { reply } = await ping.ask<SendResult>(['send', 'pong', 'ping?', '--wait', 'answered'])
    expect(reply).toBe('PING?')
    await ping.ask(['send', 'pong', 'ping again?', '--wait', 'received'])
    expect(await stage.received(ping, 'PING AGAIN?')).toMatchObject({ fromInstanceId: pong.instanceId })
    // A message that goes after any reply to a reply: once it is answered, that one would have been seen.
    await ping.ask(['send', 'pong', 'the end', '--wait', 'answered'])
    const texts = (node: BareNode): unknown[] =>
      node.events.all.filter(({ event }) => event === 'message').map(({ text }) => text)
    expect(texts(pong)).toEqual(['ping?', 'ping again?', 'the end'])
    expect(texts(ping)).toEqual(['PING AGAIN?'])
    await Promise.all([ping.stop(), pong.stop()])
  })
})

describe('a reply command', () => {
  it('that fails is told to the sender, and the node goes on', async () => {
    const worker = await stage.start('worker', { replyCommand: [process.execPath, '-e', 'process.exit(9)'] })
    const boss = await stage.start('boss', { bootstrapList: worker.addresses })
    await stage.pair(boss, worker)
    const { code, stdout, stderr } = await boss.run('send', 'worker', 'hi', '--wait', 'answered', '--json')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('could not deal with it')
    expect((await worker.ask<Status>(['status'])).peers).toBe(1)
    await Promise.all([boss.stop(), worker.stop()])
  })

  it('that runs for long does not delay the stop', async () => {
    const worker = await stage.start('sleeper', {
      replyCommand: [process.execPath, '-e', 'setInterval(() => {}, 1000)']
    })
    const boss = await stage.start('waker', { bootstrapList: worker.addresses })
    await stage.pair(boss, worker)
    expect(await boss.ask<SendResult>(['send', 'sleeper', 'hi'])).toMatchObject({ level: 'delivered' })
    const waiting = boss.run('send', 'sleeper', 'hi again', '--wait', 'answered', '--timeout', '600000')
    const stopped = await worker.stop()
    expect(stopped.code).toBe(0)
    expect(stopped.ms).toBeLessThan(STOP_MAX_MS)
    // The node goes away under the command that waits.
    expect((await boss.stop()).ms).toBeLessThan(STOP_MAX_MS)
    const { code, stderr } = await waiting
    expect([1, 3]).toContain(code)
    expect(stderr).toMatch(/^[^\n]+\n$/)
    // The command has ended with its node.
    await expect.poll(() => stage.sandbox.processes(), { timeout: 10_000 }).toEqual([])
  })

  it('that a crash cut off runs again, in order, and gives one answer to the sender that still waits', async () => {
    const boss = await stage.start('asker')
    const stuck = [process.execPath, '-e', 'setInterval(() => {}, 1000)']
    const worker = await stage.start('crasher', { bootstrapList: boss.addresses, replyCommand: stuck })
    await stage.pair(boss, worker)
    const asked = boss.run('send', 'crasher', 'first', '--wait', 'answered', '--timeout', '45000', '--json')
    const { id } = await stage.received(worker, 'first')
    await boss.ask(['send', 'crasher', 'behind', '--wait', 'received'])
    await worker.stop('SIGKILL')

    const again = await stage.start('crasher', { bootstrapList: boss.addresses, replyCommand: SHOUT })
    const { code, stdout } = await asked
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, id, level: 'answered', reply: 'FIRST' })
    await stage.received(boss, 'BEHIND')
    const messages = again.events.all.filter(({ event }) => event === 'message')
    expect(messages.map(({ text }) => text)).toEqual(['first', 'behind'])
    expect(boss.events.all.filter(({ text }) => text === 'FIRST')).toHaveLength(1)
    await Promise.all([boss.stop(), again.stop()])
  })
})
