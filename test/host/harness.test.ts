import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { createFakeChat } from './harness/fake-chat.ts'
import { startFakeModel } from './harness/fake-model.ts'
import { startGateway } from './harness/gateway.ts'
import { GatewayCallError } from './harness/gateway-client.ts'
import { isAlive, processesOf } from './harness/reap.ts'
import { createSandbox } from './harness/sandbox.ts'

const SANDBOX_URL = new URL('./harness/sandbox.ts', import.meta.url).href
/** A program that makes a sandbox with one long-lived process and then waits for its own end. */
const OWNER = `
  const { createSandbox } = await import('${SANDBOX_URL}')
  const sandbox = await createSandbox('harness-end')
  const other = await createSandbox('harness-end')
  const home = await sandbox.folder('home')
  const child = sandbox.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { cwd: home, env: { HOME: home } })
  console.log(JSON.stringify({ roots: [sandbox.root, other.root], pid: child.pid }))
  if (process.argv[1] === 'throw') throw new Error('planted')
  setInterval(() => {}, 1000)
`
const CLEAN_LIMIT_MS = 5_000

describe('a sandbox leaves nothing behind', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGKILL', 'throw'] as const)('when its owner ends by %s', async end => {
    const owner = spawn(process.execPath, ['--input-type=module', '-e', OWNER, end], {
      stdio: ['ignore', 'pipe', 'ignore']
    })
    const exited = once(owner, 'exit')
    const [line] = await once(createInterface({ input: owner.stdout }), 'line')
    const { roots, pid } = JSON.parse(line) as { roots: string[]; pid: number }
    if (end !== 'throw') {
      expect(isAlive(pid)).toBe(true)
      owner.kill(end)
    }
    const [code, signal] = await exited
    expect(end === 'throw' ? code : signal).toBe(end === 'throw' ? 1 : end)
    // After a SIGKILL the guard cleans up, a moment after the owner's end.
    await expect
      .poll(() => [isAlive(pid), ...roots.map(existsSync)], { timeout: CLEAN_LIMIT_MS })
      .toEqual([false, false, false])
  })
})

test('a gateway runs a turn of a human on the fake channel, answers calls, stops, and leaves nothing behind', async () => {
  const progress: string[] = []
  let root: string
  let pid: number | undefined
  {
    await using model = await startFakeModel(({ userText }) => ({ text: `You said ${userText}` }))
    await using sandbox = await createSandbox('harness')
    root = sandbox.root
    const chat = await createFakeChat(sandbox, 'solo')
    const gateway = await startGateway(sandbox, {
      name: 'solo',
      modelUrl: model.url,
      pluginPaths: [chat.pluginPath],
      channels: { fakechat: chat.settings },
      onProgress: text => progress.push(text)
    })
    pid = gateway.pid
    expect(progress.at(-1)).toMatch(/^solo: ready after \d+\.\d s$/)

    const turn = await gateway.rpc('fakechat.inject', { from: 'human1', text: 'good morning' })
    expect(turn).toMatchObject({ replies: ['You said good morning'] })
    const sent = await chat.waitForSent(({ to }) => to === 'human1')
    expect(sent.text).toBe('You said good morning')
    expect(model.requests).toHaveLength(1)
    expect(model.requests[0]).toMatchObject({
      userText: 'good morning',
      sessionKey: 'agent:main:fakechat:default:direct:human1'
    })
    expect(model.requests[0]?.tools).toContain('exec')

    const sentBy = (text: string) =>
      gateway.rpc('send', { channel: 'fakechat', to: 'human1', message: text, idempotencyKey: text })
    expect(await sentBy('by the host')).toMatchObject({ messageId: 'fake-2' })
    await gateway.rpc('fakechat.mode', { mode: 'throw' })
    await expect(sentBy('while it is down')).rejects.toThrow(GatewayCallError)
    const events = (await chat.rows()).map(({ event, text }) => [event, text])
    expect(events.slice(-3)).toEqual([
      ['attempt', 'by the host'],
      ['sent', 'by the host'],
      ['attempt', 'while it is down']
    ])

    await gateway.waitForLog(/\[gateway\] ready/)
    expect(await gateway.sigterm()).toBeLessThan(10_000)
    expect(gateway.pid).toBeUndefined()
    expect(sandbox.processes()).toEqual([])
  }
  expect(pid).toBeDefined()
  expect(existsSync(root)).toBe(false)
  expect(processesOf(root)).toEqual([])
})
