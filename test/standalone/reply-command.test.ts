import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { runReplyCommand } from '../../src/standalone/reply-command.ts'

const dir = mkdtempSync(join(tmpdir(), 'libp2p-mesh-reply-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

afterEach(() => {
  vi.useRealTimers()
})

/** A program in JavaScript; `input` holds what it was given. */
function program(code: string): string[] {
  return [
    process.execPath,
    '--input-type=module',
    '-e',
    `let input = ''; for await (const c of process.stdin) input += c; ${code}`
  ]
}

describe('the reply command', () => {
  it('gets the text and gives the reply without the breaks at its end', async () => {
    const outcome = await runReplyCommand(program("process.stdout.write('got ' + input + ', grüße\\n\\n')"), '你好\n')
    expect(outcome).toEqual({ type: 'replied', reply: 'got 你好\n, grüße' })
  })

  it('may say nothing', async () => {
    expect(await runReplyCommand(program(''), 'hi')).toEqual({ type: 'replied', reply: '' })
  })

  it('may answer without reading its input', async () => {
    const argv = [process.execPath, '-e', "process.stdout.write('busy'); process.stdin.destroy()"]
    expect(await runReplyCommand(argv, 'x'.repeat(32 * 1024))).toEqual({ type: 'replied', reply: 'busy' })
  })

  it('knows about the message from its environment', async () => {
    const outcome = await runReplyCommand(program('process.stdout.write(process.env.LIBP2P_MESH_MESSAGE_ID)'), '', {
      env: { LIBP2P_MESH_MESSAGE_ID: '77' }
    })
    expect(outcome).toEqual({ type: 'replied', reply: '77' })
  })

  it('fails with its exit code, whatever it has printed', async () => {
    const outcome = await runReplyCommand(program("process.stdout.write('half'); process.exitCode = 3"), '')
    expect(outcome).toEqual({ type: 'failed', detail: 'the reply command ended with exit code 3' })
  })

  it('fails when a signal ended it', async () => {
    const outcome = await runReplyCommand(program("process.kill(process.pid, 'SIGKILL')"), '')
    expect(outcome).toEqual({ type: 'failed', detail: 'the reply command ended with SIGKILL' })
  })

  it('fails when it is not there, and has not started then', async () => {
    let started = false
    const outcome = await runReplyCommand(['libp2p-mesh-no-such-program'], 'hi', {
      started: () => {
        started = true
      }
    })
    expect(outcome).toMatchObject({ type: 'failed' })
    expect(started).toBe(false)
  })

  it('fails when it prints more than a reply holds, and is ended', async () => {
    const outcome = await runReplyCommand(program("for (;;) process.stdout.write('x'.repeat(1024))"), '')
    expect(outcome).toEqual({ type: 'failed', detail: 'the reply command printed more than 32768 bytes' })
  })

  it('fails when it prints something that is not UTF-8', async () => {
    const outcome = await runReplyCommand(program('process.stdout.write(Uint8Array.of(0xff))'), '')
    expect(outcome).toEqual({ type: 'failed', detail: 'the reply command printed something that is not UTF-8' })
  })

  it('is ended after its time, with what it started', async () => {
    const file = join(dir, 'grandchild')
    const inner = `require('fs').writeFileSync(${JSON.stringify(file)}, String(process.pid)); setInterval(() => {}, 1000)`
    const argv = program(
      `const { spawn } = await import('node:child_process'); spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: 'inherit' }); setInterval(() => {}, 1000)`
    )
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const running = runReplyCommand(argv, '', { maxMs: 60_000 })
    // Written, not only made: the text comes a moment after the file.
    while (!existsSync(file) || readFileSync(file, 'utf8') === '') await new Promise(resolve => setImmediate(resolve))
    vi.advanceTimersByTime(59_999)
    expect(isAlive(Number(readFileSync(file, 'utf8')))).toBe(true)
    vi.advanceTimersByTime(1)
    vi.useRealTimers()
    expect(await running).toEqual({ type: 'failed', detail: 'the reply command took too long' })
    await expect.poll(() => isAlive(Number(readFileSync(file, 'utf8'))), { timeout: 5_000 }).toBe(false)
  })

  it('is ended by the signal, and does not start after it', async () => {
    const controller = new AbortController()
    const outcome = await runReplyCommand(program('setInterval(() => {}, 1000)'), '', {
      started: () => controller.abort(),
      signal: controller.signal
    })
    expect(outcome).toEqual({ type: 'interrupted' })
    const again = runReplyCommand(program(''), '', { started: () => expect.fail('started'), signal: controller.signal })
    expect(await again).toEqual({ type: 'interrupted' })
  })
})

/** False for a process that has ended and waits to be collected too. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
