import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Sandbox } from './sandbox.ts'

/** The slowest commands (`plugins install`) took 40 s on busy cores. */
const CLI_LIMIT_MS = 180_000

export interface CliOptions {
  /** After this many ms the command is killed and the call rejects. */
  readonly timeoutMs?: number
}

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

/** The launcher of the OpenClaw that this checkout has as devDependency. */
export function openclawPath(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', 'openclaw', 'openclaw.mjs')
    if (existsSync(path)) return path
    if (dirname(folder) === folder) throw new Error('openclaw is not installed; run npm ci')
  }
}

/**
 * Environment of every process of the gateway `name`. Built from nothing: settings of the person who runs the tests
 * must not reach the host, and nothing of the host may be written outside the sandbox.
 */
export async function hostEnvironment(sandbox: Sandbox, name: string): Promise<NodeJS.ProcessEnv> {
  return {
    PATH: process.env['PATH'],
    HOME: await sandbox.folder(name, 'home'),
    TMPDIR: await sandbox.folder(name, 'tmp'),
    // `plugins install` runs npm. The packed plugin brings everything it needs, so npm has no reason to ask a registry.
    npm_config_cache: await sandbox.folder('npm-cache'),
    npm_config_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    OPENCLAW_STATE_DIR: await sandbox.folder(name, 'state'),
    OPENCLAW_CONFIG_PATH: join(sandbox.root, name, 'openclaw.json'),
    OPENCLAW_NO_RESPAWN: '1',
    NO_COLOR: '1',
    // Compiled code is shared by all processes of the sandbox. With the second variable the launcher takes the cache as
    // it is instead of starting itself again, so that the pid we hold is the gateway's own.
    NODE_COMPILE_CACHE: sandbox.compileCache,
    OPENCLAW_PACKAGED_COMPILE_CACHE_RESPAWNED: '1'
  }
}

/** Runs one `openclaw` command to its end. A code other than 0 is a result, not an error. */
export async function runCli(
  sandbox: Sandbox,
  env: NodeJS.ProcessEnv,
  cwd: string,
  args: readonly string[],
  { timeoutMs = CLI_LIMIT_MS }: CliOptions = {}
): Promise<CliResult> {
  const startedAt = performance.now()
  const child = sandbox.spawn(process.execPath, [openclawPath(), ...args], { cwd, env })
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString('utf8')
  })
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString('utf8')
  })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject)
  child.once('close', resolve)
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    reject(new Error(`openclaw ${args.join(' ')} took longer than ${timeoutMs} ms\n${stdout}${stderr}`))
  }, timeoutMs)
  try {
    const code = await promise
    return { code, stdout, stderr, ms: performance.now() - startedAt }
  } finally {
    clearTimeout(timer)
  }
}
