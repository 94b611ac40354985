import type { ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CliOptions, type CliResult, hostEnvironment, openclawPath, runCli } from './cli.ts'
import { connectGateway, type GatewayClient, type RpcOptions } from './gateway-client.ts'
import { type HostConfig, headlessConfig, mergeConfig } from './host-config.ts'
import { freePorts } from './ports.ts'
import type { Sandbox } from './sandbox.ts'

/** Measured 10 s to 46 s from start to ready, and more than 90 s on two cores with four other gateways. */
const READY_LIMIT_MS = 240_000
const READY_POLL_MS = 50
const LOG_LIMIT_MS = 60_000
const LOG_POLL_MS = 20
/** A clean stop takes 1 s to 6 s; the host itself would wait for 330 s. */
const STOP_LIMIT_MS = 20_000

export interface GatewayInit {
  /** Names the folder below the sandbox: one gateway, one name. */
  readonly name: string
  /** `baseUrl` of the model server. */
  readonly modelUrl: string
  /** Plugin folders, loaded in place through `plugins.load.paths`. */
  readonly pluginPaths?: readonly string[]
  /** Tarballs from `npm pack`, installed with the real `openclaw plugins install`. */
  readonly tarballs?: readonly string[]
  /** Settings of each channel, by channel id: `channels.<id>`. */
  readonly channels?: Readonly<Record<string, HostConfig>>
  /** Laid over the generated configuration. */
  readonly config?: HostConfig
  /** Added to the environment of every process of the gateway. */
  readonly env?: NodeJS.ProcessEnv
  /** Hears in words what happens during a start, which takes many seconds. */
  readonly onProgress?: (text: string) => void
}

/** One real OpenClaw gateway, with HOME, state, configuration, log and temporary files below the sandbox. */
export interface Gateway {
  readonly name: string
  readonly port: number
  readonly token: string
  readonly stateDir: string
  readonly configPath: string
  /** Of the running process; undefined when it is stopped. */
  readonly pid: number | undefined
  /** From process start to `/readyz`, ms, of the last start. */
  readonly startMs: number
  /** Runs `openclaw <args>` against this gateway's state; 2 s to 20 s each, so prefer `rpc`. */
  cli(args: readonly string[], options?: CliOptions): Promise<CliResult>
  /** Calls a gateway method over one kept WebSocket connection; milliseconds instead of seconds. */
  rpc(method: string, params?: unknown, options?: RpcOptions): Promise<unknown>
  /** Everything that the process printed, over all starts. */
  log(): string
  /** Resolves with the match as soon as the log has one at or after `from` (a length of `log()`). */
  waitForLog(pattern: RegExp, options?: { timeoutMs?: number; from?: number }): Promise<RegExpExecArray>
  /** Changes the configuration file; a running gateway reloads it by itself. */
  configure(patch: HostConfig): Promise<void>
  start(): Promise<void>
  /** SIGTERM; resolves with the milliseconds until the process is gone. */
  sigterm(options?: { timeoutMs?: number }): Promise<number>
  /** SIGKILL, for tests of what survives. */
  kill9(): Promise<void>
  restart(): Promise<void>
}

/** Prepares a gateway without starting it. */
export async function createGateway(sandbox: Sandbox, init: GatewayInit): Promise<Gateway> {
  const {
    name,
    modelUrl,
    pluginPaths = [],
    tarballs = [],
    channels = {},
    config = {},
    env: added = {},
    onProgress = () => {}
  } = init
  const [port] = (await freePorts(1)) as [number]
  const token = crypto.randomUUID()
  const base = await sandbox.folder(name)
  const stateDir = await sandbox.folder(name, 'state')
  const workspace = await sandbox.folder(name, 'workspace')
  const configPath = join(base, 'openclaw.json')
  const env = { ...(await hostEnvironment(sandbox, name)), ...added }
  const logFile = join(base, 'gateway.log')
  const plugins = await Promise.all(pluginPaths.map(async path => ({ path, id: await readPluginId(path) })))
  const withoutPlugins = headlessConfig({ port, token, logFile, workspace, modelUrl, plugins })
  await writeConfig(configPath, withoutPlugins)

  const output = createWriteStream(join(base, 'gateway.out'), { flags: 'a' })
  let text = ''
  let child: ChildProcess | undefined
  let ended: Promise<string> | undefined
  let client: GatewayClient | undefined
  let startMs = 0

  const cli: Gateway['cli'] = (args, options) => runCli(sandbox, env, workspace, args, options)

  for (const tarball of tarballs) {
    onProgress(`${name}: installing ${tarball}`)
    const args = ['plugins', 'install', `npm-pack:${tarball}`, '--force', '--accept-capabilities']
    const { code, stdout, stderr } = await cli(args, { timeoutMs: READY_LIMIT_MS })
    if (code !== 0) throw new Error(`installing ${tarball} ended with ${code}:\n${stdout}${stderr}`)
  }
  // A channel's settings are refused before its plugin is known, and the installation has written to the file.
  await patchConfig(configPath, mergeConfig({ channels }, config))

  async function disconnect(): Promise<void> {
    const open = client
    client = undefined
    await open?.[Symbol.asyncDispose]()
  }

  async function end(signal: NodeJS.Signals, timeoutMs: number): Promise<number> {
    if (child === undefined || ended === undefined) throw new Error(`gateway ${name} is not running`)
    const startedAt = performance.now()
    child.kill(signal)
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => reject(new Error(`${name} still runs ${timeoutMs} ms after ${signal}\n${tail(text)}`)),
      timeoutMs
    )
    try {
      await Promise.race([ended, late])
    } finally {
      clearTimeout(timer)
    }
    const ms = performance.now() - startedAt
    await disconnect()
    return ms
  }

  const gateway: Gateway = {
    name,
    port,
    token,
    stateDir,
    configPath,
    get pid() {
      return child?.pid
    },
    get startMs() {
      return startMs
    },
    cli,
    async rpc(method, params, options) {
      if (child === undefined) throw new Error(`gateway ${name} is not running`)
      if (client === undefined || client.closed) client = await connectGateway(port, token)
      return client.call(method, params, options)
    },
    log: () => text,
    async waitForLog(pattern, { timeoutMs = LOG_LIMIT_MS, from = 0 } = {}) {
      const deadline = performance.now() + timeoutMs
      for (;;) {
        const match = new RegExp(pattern.source, pattern.flags.replace('g', '')).exec(text.slice(from))
        if (match !== null) return match
        if (performance.now() > deadline)
          throw new Error(`${name}: ${pattern} not logged in ${timeoutMs} ms\n${tail(text)}`)
        await pause(LOG_POLL_MS)
      }
    },
    configure: patch => patchConfig(configPath, patch),
    async start() {
      if (child !== undefined) throw new Error(`gateway ${name} already runs`)
      const startedAt = performance.now()
      onProgress(`${name}: starting the gateway on port ${port}`)
      const started = sandbox.spawn(process.execPath, [openclawPath(), 'gateway', 'run', '--port', String(port)], {
        cwd: workspace,
        env
      })
      child = started
      const collect = (data: Buffer): void => {
        text += data.toString('utf8')
        output.write(data)
      }
      started.stdout?.on('data', collect)
      started.stderr?.on('data', collect)
      let fate: string | undefined
      ended = new Promise(resolve => {
        started.once('error', error => resolve(String(error)))
        // `close` and not `exit`: only then the last words are in the log.
        started.once('close', (code, signal) => resolve(signal ?? `code ${code}`))
      }).then(value => {
        fate = String(value)
        child = undefined
        return fate
      })
      while (!(await isReady(port))) {
        if (fate !== undefined) throw new Error(`gateway ${name} ended with ${fate} during its start\n${tail(text)}`)
        if (performance.now() - startedAt > READY_LIMIT_MS)
          throw new Error(`gateway ${name} is not ready after ${READY_LIMIT_MS} ms\n${tail(text)}`)
        await pause(READY_POLL_MS)
      }
      startMs = performance.now() - startedAt
      onProgress(`${name}: ready after ${(startMs / 1_000).toFixed(1)} s`)
    },
    sigterm: ({ timeoutMs = STOP_LIMIT_MS } = {}) => end('SIGTERM', timeoutMs),
    async kill9() {
      await end('SIGKILL', STOP_LIMIT_MS)
    },
    async restart() {
      await gateway.sigterm()
      await gateway.start()
    }
  }
  sandbox.defer(async () => {
    if (child !== undefined) await gateway.kill9()
    await disconnect()
    await new Promise(resolve => output.end(resolve))
  })
  return gateway
}

/** Prepares and starts a gateway; resolves when it is ready. */
export async function startGateway(sandbox: Sandbox, init: GatewayInit): Promise<Gateway> {
  const gateway = await createGateway(sandbox, init)
  await gateway.start()
  return gateway
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`)
    await response.body?.cancel()
    return response.status === 200
  } catch {
    // Nobody listens yet.
    return false
  }
}

async function readPluginId(path: string): Promise<string> {
  const { id } = JSON.parse(await readFile(join(path, 'openclaw.plugin.json'), 'utf8')) as { id: string }
  return id
}

async function patchConfig(path: string, patch: HostConfig): Promise<void> {
  const config = JSON.parse(await readFile(path, 'utf8')) as HostConfig
  await writeConfig(path, mergeConfig(config, patch))
}

async function writeConfig(path: string, config: HostConfig): Promise<void> {
  await writeFile(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
}

function tail(text: string): string {
  return text.split('\n').slice(-40).join('\n')
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
