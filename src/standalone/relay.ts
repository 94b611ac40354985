import { resolve } from 'node:path'
import { EXIT, type ExitCode, sentence, UsageError } from '../commands/index.ts'
import type { RelayEvent } from '../engine/index.ts'
import { JsonLines } from './json-lines.ts'
import { createLog } from './log.ts'
import { type RelayLine, relayText } from './relay-lines.ts'
import type { RelayArguments } from './relay-options.ts'
import { type ForceReason, stopOnSignals } from './stop.ts'
import type { Terminal } from './terminal.ts'

/** Who restarts a relay waits for it: its peers come back by themselves. */
const STOP_MAX_MS = 1_800

const USAGE_MS = 60_000

/** A crowd that knocks must not fill the disk of who keeps these lines. The usage counts what is not said. */
const EVENTS_PER_MINUTE_MAX = 300

export interface RelayInit extends RelayArguments {
  /** As given on the command line. */
  state: string
  json: boolean
  verbose: boolean
  /** Starts every command line that is given as advice. */
  program: string
}

/** Runs a relay until a signal, or until nobody reads its lines any more. Never throws: what keeps it from running is a sentence and an exit code. */
export async function runRelay(init: RelayInit, terminal: Terminal): Promise<ExitCode> {
  const say = (text: string): void => terminal.stderr(`${text}\n`)
  const force = (reason: ForceReason): void => {
    say(reason === 'second signal' ? 'Stopped at once.' : 'Stopped by force: the relay took too long to stop.')
    // Nothing is lost with it: a relay keeps no messages.
    terminal.exit(reason === 'second signal' ? EXIT.failed : EXIT.done)
  }
  using stop = stopOnSignals({ force }, { maxMs: STOP_MAX_MS })
  const lines = new JsonLines({ stream: terminal.stdout })
  void lines.closed.then(stop.now)
  const print = (line: RelayLine): void => {
    if (init.json) void lines.write(line)
    else if (terminal.stdout.writable) terminal.stdout.write(`${relayText(line)}\n`)
  }
  const code = await serve(init, { print, say, write: terminal.stderr, signal: stop.signal }).catch(
    (error: unknown) => {
      say(sentence(error, { program: init.program }))
      return error instanceof UsageError ? EXIT.usage : EXIT.failed
    }
  )
  if (!(await lines.drained())) terminal.exit(code)
  return code
}

interface Out {
  print(line: RelayLine): void
  say(text: string): void
  write(text: string): void
  signal: AbortSignal
}

async function serve(init: RelayInit, { print, say, write, signal }: Out): Promise<ExitCode> {
  // libp2p is in there: only what runs pays for loading it.
  const { relayAnnounce, startRelay } = await import('../engine/index.ts')
  const { addresses, warnings, nowhere } = relayAnnounce(init)
  for (const warning of warnings) say(`warning: ${warning}`)
  if (nowhere) throw new UsageError(NOWHERE)
  let events = 0
  const relay = await startRelay(
    {
      stateDir: resolve(init.state),
      listen: init.listen,
      announce: addresses,
      allow: init.allow,
      program: 'libp2p-mesh relay'
    },
    {
      log: createLog({ write }, { verbose: init.verbose }),
      event: (event: RelayEvent) => {
        if (++events <= EVENTS_PER_MINUTE_MAX) print(event)
      }
    }
  )
  await using _ = { [Symbol.asyncDispose]: () => relay.stop() }
  const issues = relay.issues()
  // With nothing left to listen on there is no relay. Each issue is a sentence with its full stop.
  if (issues.length >= init.listen.length) {
    say(`${issues.join(' ')} Stop what has it, or choose another address with --listen.`)
    return EXIT.failed
  }
  print({ event: 'ready', peerId: relay.peer, addresses: relay.addresses() })
  const usage = (): void => {
    events = 0
    print({ event: 'usage', ...relay.usage() })
  }
  const timer = setInterval(usage, USAGE_MS)
  await ended(signal)
  clearInterval(timer)
  usage()
  return EXIT.done
}

const NOWHERE =
  'This machine has no public address of its own, so nobody could find the relay: add --announce with the public address that leads here, for example --announce /ip4/<public address>/tcp/4001.'

async function ended(signal: AbortSignal): Promise<void> {
  const { promise, resolve: end } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => end(), { once: true })
  if (signal.aborted) end()
  await promise
}
