import { resolve } from 'node:path'
import { EXIT, type ExitCode, type Options, packageVersion, sentence, UsageError } from '../commands/index.ts'
import type { Status } from '../control/methods.ts'
import { connectControl } from '../control/socket.ts'
import type { Engine } from '../engine/index.ts'
import { MeshError } from '../mesh/errors.ts'
import { createHost } from './host.ts'
import { JsonLines } from './json-lines.ts'
import { createLog } from './log.ts'
import { readSettings } from './settings-file.ts'
import { type ForceReason, stopOnSignals } from './stop.ts'
import type { Terminal } from './terminal.ts'

export const nodeOptions = {
  config: { type: 'string', short: 'c', placeholder: 'file', description: 'Settings as a JSON object.' },
  verbose: { type: 'boolean', short: 'v', description: 'Log the steps too.' }
} as const satisfies Options

export interface NodeInit {
  /** As given on the command line. */
  state: string
  config?: string
  verbose?: boolean
  /** Starts every command line that is given as advice. */
  program: string
}

/**
 * Runs the mesh in this process until a signal, or until nobody reads its events any more. Standard output carries the events, standard error
 * the log. Never throws: what keeps it from running is a sentence and an exit code.
 */
export async function runNode(init: NodeInit, terminal: Terminal): Promise<ExitCode> {
  const say = (text: string): void => terminal.stderr(`${text}\n`)
  const force = (reason: ForceReason): void => {
    say(reason === 'second signal' ? 'Stopped at once.' : 'Stopped by force: the node took too long to stop.')
    terminal.exit(EXIT.failed)
  }
  using stop = stopOnSignals({ force })
  const lines = new JsonLines({ stream: terminal.stdout })
  void lines.closed.then(stop.now)
  const code = await serve(init, { terminal, lines, signal: stop.signal }).then(
    () => EXIT.done,
    error => {
      if (stop.signal.aborted && isAbort(error)) return EXIT.done
      say(sentence(error, { program: init.program }))
      return error instanceof UsageError ? EXIT.usage : EXIT.failed
    }
  )
  // What a stalled reader has not taken cannot be written any more; waiting for it would be waiting for ever.
  if (!(await lines.drained())) terminal.exit(code)
  return code
}

async function serve(init: NodeInit, to: { terminal: Terminal; lines: JsonLines; signal: AbortSignal }): Promise<void> {
  const { terminal, lines, signal } = to
  const { settings, pending } = await readSettings(init.config)
  const stateDir = resolve(init.state)
  await refuseSecond(stateDir)
  // libp2p is in there: nothing but a node pays for loading it.
  const { startEngine } = await import('../engine/index.ts')
  const log = createLog({ write: terminal.stderr }, { verbose: init.verbose ?? false })
  const options = {
    stateDir,
    settings,
    pendingSettings: pending,
    version: packageVersion(),
    program: 'libp2p-mesh node'
  }
  const engine = await startEngine(options, createHost({ lines, log }, settings), { signal })
  await Promise.all([announce(engine, lines, signal), engine.ended])
}

async function announce(engine: Engine, lines: JsonLines, signal: AbortSignal): Promise<void> {
  const { peerId, instanceId, addresses } = (await engine.call('status', {}, { signal })) as Status
  await lines.write({ event: 'ready', peerId, instanceId, addresses }, { signal })
}

/** The lock in the engine decides, but loading it takes long: a running mesh is found at once by its control socket. */
async function refuseSecond(stateDir: string): Promise<void> {
  const other = await connectControl(stateDir).catch((error: unknown) => {
    if (error instanceof MeshError && error.code === 'not_running') return undefined
    throw error
  })
  if (other === undefined) return
  await other.close()
  throw new MeshError('state_locked', { detail: stateDir })
}

function isAbort(error: unknown): boolean {
  return (
    (error instanceof MeshError && error.code === 'aborted') || (error instanceof Error && error.name === 'AbortError')
  )
}
