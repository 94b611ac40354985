import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Sandbox } from '../../host/harness/sandbox.ts'
import { JsonEvents } from './json-events.ts'

export const BIN = fileURLToPath(new URL('../../../dist/bin.js', import.meta.url))

/** Nothing leaves loopback. */
const LOOPBACK = { discovery: 'bootstrap', listenAddrs: ['/ip4/127.0.0.1/tcp/0'], enableUPnP: false }

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  /** From the call to the end, ms. */
  ms: number
  stdout: string
  stderr: string
}

/** A node as its own process, from the built program, on a state directory that outlives it. */
export interface BareNode {
  readonly name: string
  readonly stateDir: string
  readonly peerId: string
  readonly instanceId: string
  readonly addresses: string[]
  /** From spawn to `ready`, ms. */
  readonly readyMs: number
  readonly events: JsonEvents
  readonly process: ChildProcess
  /** Everything on standard error so far. */
  stderr(): string
  /** One command on this node's state directory. */
  run(...words: string[]): Promise<Ended>
  /** The same with `--json`, for commands that must end with `code`; its result. */
  ask<T = Record<string, unknown>>(words: string[], code?: number): Promise<T>
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

export interface BareNodeInit {
  name: string
  settings?: Record<string, unknown>
  /** Options of Node itself. */
  execArgv?: string[]
}

/** Starts a node and waits until it is ready. The same name again is the same state directory. */
export async function startBareNode(sandbox: Sandbox, init: BareNodeInit): Promise<BareNode> {
  const startedMs = performance.now()
  const spawned = await spawnBareNode(sandbox, init)
  const events = new JsonEvents({ stream: spawned.stdout })
  // Its reply command may outlive a killed node, with its standard error still open.
  const ended = endOf(spawned.process, 'exit')
  const failed = ended.then(() =>
    Promise.reject(new Error(`node ${init.name} ended before it was ready:\n${spawned.stderr()}`))
  )
  const ready = await Promise.race([events.next('ready'), failed])
  failed.catch(() => undefined)
  const run = (...words: string[]): Promise<Ended> => runBin(sandbox, [...words, '--state', spawned.stateDir])
  return {
    name: init.name,
    stateDir: spawned.stateDir,
    peerId: ready['peerId'] as string,
    instanceId: ready['instanceId'] as string,
    addresses: ready['addresses'] as string[],
    readyMs: performance.now() - startedMs,
    events,
    process: spawned.process,
    stderr: spawned.stderr,
    run,
    async ask(words, code = 0) {
      const result = await run(...words, '--json')
      if (result.code !== code)
        throw new Error(`${words.join(' ')} ended with ${result.code}: ${result.stdout}${result.stderr}`)
      return JSON.parse(result.stdout)
    },
    async stop(signal = 'SIGTERM') {
      const stopMs = performance.now()
      spawned.process.kill(signal)
      const { code, signal: by } = await ended
      return { code, signal: by, ms: performance.now() - stopMs, stdout: '', stderr: spawned.stderr() }
    }
  }
}

/** A node's process without waiting for anything. */
export async function spawnBareNode(sandbox: Sandbox, { name, settings = {}, execArgv = [] }: BareNodeInit) {
  const stateDir = await sandbox.folder(name, 'state')
  const config = join(await sandbox.folder(name), 'settings.json')
  await writeFile(config, JSON.stringify({ ...LOOPBACK, name, ...settings }))
  const child = sandbox.spawn(
    process.execPath,
    [...execArgv, BIN, 'node', '--state', stateDir, '--config', config],
    await place(sandbox)
  )
  const { stdout } = child
  if (stdout === null) throw new Error('no pipe to the node')
  return { process: child, stateDir, stdout, stderr: collect(child.stderr) }
}

/** Runs the program on these words to its end. */
export async function runBin(sandbox: Sandbox, words: readonly string[]): Promise<Ended> {
  return await runToEnd(sandbox, process.execPath, [BIN, ...words])
}

/** The same for any program, for example a shell with a pipe in it. */
export async function runToEnd(sandbox: Sandbox, program: string, words: readonly string[]): Promise<Ended> {
  const startedMs = performance.now()
  const child = sandbox.spawn(program, words, await place(sandbox))
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const { code, signal } = await endOf(child, 'close')
  return { code, signal, ms: performance.now() - startedMs, stdout: stdout(), stderr: stderr() }
}

/** Built from nothing: what stands in the environment of who runs this must not reach the program. */
async function place(sandbox: Sandbox): Promise<{ cwd: string; env: NodeJS.ProcessEnv }> {
  const home = await sandbox.folder('home')
  return { cwd: home, env: { PATH: process.env['PATH'], HOME: home, NO_COLOR: '1' } }
}

function collect(stream: ChildProcess['stdout']): () => string {
  let text = ''
  stream?.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  return () => text
}

/** `close`: its pipes are closed too, so nothing that it printed is missing. */
async function endOf(
  child: ChildProcess,
  event: 'exit' | 'close'
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const [code, signal] = (await once(child, event)) as [number | null, NodeJS.Signals | null]
  return { code, signal }
}
