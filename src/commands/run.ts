import type { ControlClient } from '../control/client.ts'
import { MeshError, type MeshErrorCode } from '../control/errors.ts'
import { allOptions, checkArguments, type RawArguments, readArguments, UsageError } from './arguments.ts'
import { type Command, EXIT, type ExitCode, type Options } from './command.ts'
import { readText } from './input.ts'
import { createOutput } from './output.ts'
import { type SentenceContext, sentence } from './sentences.ts'

/** What a host gives the commands. */
export interface CommandHost {
  /** Starts every command line that is given as advice, for example `openclaw p2p`. */
  program: string
  /** Called once per command, after its arguments were found right. */
  connect(): Promise<ControlClient>
  stdout(text: string): void
  stderr(text: string): void
  input: AsyncIterable<Uint8Array | string>
  signal?: AbortSignal
}

/** What the mesh finds wrong with the words themselves, whatever it knows and whoever is there. */
const WRONG_USE: ReadonlySet<MeshErrorCode> = new Set([
  'bad_request',
  'bad_ticket',
  'not_found',
  'self_target',
  'text_empty',
  'wrong_state'
])

/** Options that belong to the host, not to a command. */
export interface HostOptions {
  options: Options
  /** Takes what it needs; UsageError for what is wrong. */
  check(options: RawArguments['options']): void
}

/** Runs a command from its words on a command line. Never throws: every error is a sentence on stderr and an exit code. */
export async function runArgv(
  command: Command,
  argv: readonly string[],
  host: CommandHost,
  own?: HostOptions
): Promise<ExitCode> {
  return await guarded(host, {}, async () => {
    const raw = readArguments(command.name, allOptions(command, own?.options), argv)
    own?.check(raw.options)
    return await runCommand(command, raw, host)
  })
}

/** Runs a command whose words and options a host has taken apart itself; it checks them all the same, and never throws either. */
export async function runCommand(command: Command, raw: RawArguments, host: CommandHost): Promise<ExitCode> {
  const about: Partial<SentenceContext> = {}
  return await guarded(host, about, async () => {
    const { args, options, json } = checkArguments(command, raw)
    about.asked = command.name === 'request'
    about.target = args['target'] ?? args['who']
    const client = await host.connect()
    try {
      const input = (maxBytes: number): Promise<string> => readText(host.input, maxBytes)
      const out = createOutput({ json, stdout: host.stdout, stderr: host.stderr })
      return await command.run({ client, args, options, out, input, program: host.program, signal: host.signal })
    } catch (error) {
      about.self = await selfFor(error, client, host.signal)
      throw error
    } finally {
      await client.close()
    }
  })
}

async function guarded(
  host: CommandHost,
  about: Partial<SentenceContext>,
  work: () => Promise<ExitCode>
): Promise<ExitCode> {
  try {
    return await work()
  } catch (error) {
    host.stderr(`${sentence(error, { program: host.program, ...about })}\n`)
    return exitCodeOf(error)
  }
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage
  return error instanceof MeshError && WRONG_USE.has(error.code) ? EXIT.usage : EXIT.failed
}

/** The advice for a peer that has not admitted us names our own instance id; without it the sentence points to status. */
async function selfFor(
  error: unknown,
  client: ControlClient,
  signal: AbortSignal | undefined
): Promise<string | undefined> {
  if (!(error instanceof MeshError) || error.details.reason !== 'not_admitted') return undefined
  return await client.call('status', {}, { signal }).then(
    ({ instanceId }) => instanceId,
    () => undefined
  )
}
