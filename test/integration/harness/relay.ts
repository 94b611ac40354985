import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Sandbox } from '../../host/harness/sandbox.ts'
import { BIN } from './bare-node.ts'
import { JsonEvents } from './json-events.ts'

/** `libp2p-mesh relay --json` as its own process, on a state directory that outlives it. */
export interface RelayProcess {
  readonly stateDir: string
  readonly peerId: string
  /** Its first address, with its peer id. */
  readonly address: string
  readonly events: JsonEvents
  readonly process: ChildProcess
  stderr(): string
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; ms: number }>
}

/** Starts a relay on loopback and waits until it is ready; `words` say for whom. */
export async function startRelay(
  sandbox: Sandbox,
  { name, words, listen = '/ip4/127.0.0.1/tcp/0' }: { name: string; words: string[]; listen?: string }
): Promise<RelayProcess> {
  const stateDir = await sandbox.folder(name, 'state')
  const home = await sandbox.folder('home')
  const child = sandbox.spawn(
    process.execPath,
    [BIN, 'relay', '--state', stateDir, '--listen', listen, '--json', ...words],
    { cwd: home, env: { PATH: process.env['PATH'], HOME: home, NO_COLOR: '1' } }
  )
  if (child.stdout === null) throw new Error('no pipe to the relay')
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    stderr += part
  })
  const events = new JsonEvents({ stream: child.stdout })
  const closed = once(child, 'close')
  const failed = closed.then(() => Promise.reject(new Error(`relay ${name} ended before it was ready:\n${stderr}`)))
  const ready = await Promise.race([events.next('ready'), failed])
  failed.catch(() => undefined)
  const [address = ''] = ready['addresses'] as string[]
  return {
    stateDir,
    peerId: ready['peerId'] as string,
    address,
    events,
    process: child,
    stderr: () => stderr,
    async stop(signal = 'SIGTERM') {
      const stopMs = performance.now()
      child.kill(signal)
      const [code] = (await closed) as [number | null]
      return { code, ms: performance.now() - stopMs }
    }
  }
}
