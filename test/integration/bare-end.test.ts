import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectControl } from '../../src/control/socket.ts'
import { BIN, runBin, runToEnd, spawnBareNode } from './harness/bare-node.ts'
import { createStage, STOP_MAX_MS, type Stage } from './harness/stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await createStage()
})

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]()
})

describe('the end', () => {
  it('is not delayed by a reader that has stalled', async () => {
    const sender = await stage.start('loud')
    const node = await spawnBareNode(stage.sandbox, { name: 'stalled', settings: { bootstrapList: sender.addresses } })
    const ready = await firstLine(node.stdout)
    node.stdout.pause()
    await runBin(stage.sandbox, ['approve', sender.instanceId, '--state', node.stateDir])
    await sender.ask(['approve', ready.instanceId])
    const client = await connectControl(sender.stateDir)
    const text = 'x'.repeat(32 * 1024)
    // Each is stored there, and together they are more than any pipe holds.
    const sends = Array.from({ length: 40 }, () =>
      client.call('send', { target: ready.instanceId, text, waitFor: 'received', timeoutMs: 30_000 })
    )
    for (const { level } of await Promise.all(sends)) expect(level).not.toBe('pending')
    await client.close()
    const startedMs = performance.now()
    const exit = once(node.process, 'exit')
    node.process.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
    expect(performance.now() - startedMs).toBeLessThan(STOP_MAX_MS)
    await sender.stop()
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`is clean and quick on ${signal}, and the directory is free again`, async () => {
      const node = await stage.start(`end-${signal}`)
      const ended = await node.stop(signal)
      expect(ended).toMatchObject({ code: 0, signal: null })
      expect(ended.ms).toBeLessThan(STOP_MAX_MS)
      expect(await node.run('status')).toMatchObject({ code: 1, stdout: '' })
      const again = await stage.start(`end-${signal}`)
      expect(again.peerId).toBe(node.peerId)
      await again.stop()
    })
  }

  it('comes when nobody reads standard output any more', async () => {
    const sender = await stage.start('sender')
    const node = await spawnBareNode(stage.sandbox, { name: 'unread', settings: { bootstrapList: sender.addresses } })
    const exit = once(node.process, 'exit')
    const ready = await firstLine(node.stdout)
    await runBin(stage.sandbox, ['approve', sender.instanceId, '--state', node.stateDir])
    node.stdout.destroy()
    await sender.ask(['approve', ready.instanceId])
    // The line about the peer is the first that cannot be written.
    expect(await exit).toEqual([0, null])
    expect(node.stderr()).not.toMatch(/EPIPE|Error/)
    await sender.stop()
  })
})

it('an older Node is told so before anything of the program is loaded', async () => {
  const older =
    "data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })"
  const { code, stdout, stderr } = await runToEnd(stage.sandbox, process.execPath, ['--import', older, BIN, 'status'])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe('libp2p-mesh needs Node >= 24.16, this is 20.19.0; install a newer Node and run it again.\n')
})

async function firstLine(stream: Readable): Promise<{ instanceId: string }> {
  const [line] = await once(stream, 'data')
  return JSON.parse(String(line))
}
