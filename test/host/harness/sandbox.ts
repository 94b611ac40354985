import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, realpathSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kill, processesOf, reap } from './reap.ts'

const GUARD_PATH = fileURLToPath(new URL('./guard.ts', import.meta.url))
/** Ends that Node lets us handle; a SIGKILL is left to the guard process. */
const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** How long killed processes may take to disappear: the kernel frees a gateway's memory in well under a second. */
const DEATH_LIMIT_MS = 5_000
const DEATH_POLL_MS = 20

export interface SpawnInit {
  readonly cwd: string
  /** Its HOME must lie below the root: that is how processes of the sandbox are told from others. */
  readonly env: NodeJS.ProcessEnv
}

export interface SandboxInit {
  /** Names the folder, for people who look at it while it exists. */
  readonly label?: string
  /**
   * Where Node keeps compiled code of the host; by default below the root. A folder that outlives the sandbox makes
   * the first start of a gateway about 2 s quicker.
   */
  readonly compileCache?: string
}

/**
 * One temporary folder and all processes started for it. Whatever way the owner ends (return, exception, Ctrl-C,
 * `process.exit`, SIGKILL), the processes are killed and the folder is removed.
 */
export interface Sandbox extends AsyncDisposable {
  readonly root: string
  readonly compileCache: string
  /** Makes a folder below the root and returns its absolute path. */
  folder(...names: string[]): Promise<string>
  /** Starts a process in a process group of its own, with piped stdout and stderr. */
  spawn(command: string, args: readonly string[], init: SpawnInit): ChildProcess
  /** Runs `cleanup` at disposal, last registered first, before processes are killed. Not run at a sudden end. */
  defer(cleanup: () => Promise<void>): void
  /** Processes that belong to the sandbox and are alive, grandchildren included (Linux only). */
  processes(): number[]
}

export async function createSandbox(init: SandboxInit | string = {}): Promise<Sandbox> {
  const { label = 'mesh', compileCache } = typeof init === 'string' ? { label: init } : init
  const root = realpathSync(mkdtempSync(join(tmpdir(), `${label}-`)))
  const groups = new Set<number>()
  const cleanups: Array<() => Promise<void>> = []

  // Detached, so that a Ctrl-C in the terminal does not end the guard together with its owner.
  const guard = spawn(process.execPath, [GUARD_PATH, root], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  guard.unref()
  // A guard that is gone cannot be told anything: the handlers below still clean up.
  guard.stdin.on('error', () => {})

  const onExit = (): void => reap(root, groups)
  const onSignal = (signal: NodeJS.Signals): void => {
    reap(root, groups)
    process.off(signal, onSignal)
    // Whoever else listens (another sandbox, the demo, a test runner) decides how to end; nobody left: end by the signal.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  process.on('exit', onExit)
  for (const signal of END_SIGNALS) process.on(signal, onSignal)

  return {
    root,
    compileCache: compileCache ?? join(root, 'compile-cache'),
    async folder(...names) {
      const path = join(root, ...names)
      await mkdir(path, { recursive: true, mode: 0o700 })
      return path
    },
    spawn(command, args, { cwd, env }) {
      const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
      const { pid } = child
      if (pid !== undefined) {
        groups.add(pid)
        guard.stdin.write(`${pid}\n`)
      }
      return child
    },
    defer(cleanup) {
      cleanups.push(cleanup)
    },
    processes: () => processesOf(root),
    async [Symbol.asyncDispose]() {
      try {
        for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
      } finally {
        for (const pid of groups) kill(-pid)
        for (const pid of processesOf(root)) kill(pid)
        await gone(root)
        await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
        process.off('exit', onExit)
        for (const signal of END_SIGNALS) process.off(signal, onSignal)
        guard.stdin.end('done\n')
      }
    }
  }
}

async function gone(root: string): Promise<void> {
  const deadline = Date.now() + DEATH_LIMIT_MS
  while (processesOf(root).length > 0) {
    if (Date.now() > deadline) throw new Error(`processes ${processesOf(root).join(', ')} outlived SIGKILL`)
    await new Promise(resolve => setTimeout(resolve, DEATH_POLL_MS))
  }
}
