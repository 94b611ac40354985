import { resolve } from 'node:path'
import {
  type Command,
  commandHelp,
  commands,
  EXIT,
  example,
  indented,
  type Options,
  optionLines,
  packageVersion,
  readArguments,
  runArgv,
  sections,
  sentence,
  UsageError
} from '../commands/index.ts'
import { argument } from '../control/argument.ts'
import { connectControl } from '../control/socket.ts'
import { safe } from '../protocol/index.ts'
import { nodeOptions, runNode } from './node.ts'
import { runRelay } from './relay.ts'
import { relayArguments, relayOptions } from './relay-options.ts'
import type { Terminal } from './terminal.ts'

const NAME = 'libp2p-mesh'

const stateOption = {
  state: { type: 'string', short: 's', placeholder: 'dir', description: 'State directory of the instance.' }
} as const satisfies Options

const NODE_SUMMARY = 'Run the mesh: what arrives is printed as JSON lines, the log goes to standard error.'
const NODE_EXAMPLE = 'node --state ./alice --config alice.json'

const RELAY_SUMMARY = 'Run a relay on a public machine, for instances behind routers: no mesh, no messages of its own.'
const RELAY_EXAMPLE = 'relay --state ./relay --listen /ip4/0.0.0.0/tcp/4001 --allow 12D3KooW...'

/** Runs the `libp2p-mesh` program on its arguments and returns its exit code. Never throws. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(commandFirst(argv), terminal)
  } catch (error) {
    terminal.stderr(`${sentence(error, { program: NAME })}\n`)
    return error instanceof UsageError ? EXIT.usage : EXIT.failed
  }
}

/** `--state DIR` may stand before the command too, as in the command lines that errors advise. */
function commandFirst(argv: readonly string[]): readonly string[] {
  const [first = ''] = argv
  const words = first === '--state' || first === '-s' ? 2 : first.startsWith('--state=') ? 1 : 0
  const name = argv[words]
  if (name === undefined) return []
  return [name, ...argv.slice(0, words), ...argv.slice(words + 1)]
}

async function dispatch([name, ...argv]: readonly string[], terminal: Terminal): Promise<number> {
  if (name === undefined) throw new UsageError(`No command given; see ${NAME} --help.`)
  if (name === '--version' || name === '-V') return print(terminal, `${packageVersion()}\n`)
  if (name === '--help' || name === '-h' || name === 'help') return print(terminal, programHelp())
  if (name === 'node') return isHelp(argv) ? print(terminal, nodeHelp()) : await node(argv, terminal)
  if (name === 'relay') return isHelp(argv) ? print(terminal, relayHelp()) : await relay(argv, terminal)
  const command = commands.find(candidate => candidate.name === name)
  if (command === undefined) throw new UsageError(`"${safe(name)}" is no command of ${NAME}; see ${NAME} --help.`)
  return isHelp(argv)
    ? print(terminal, commandHelp({ ...command, example: withState(command) }, NAME, stateOption))
    : await ask(command, argv, terminal)
}

function isHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end < 0 ? argv.length : end).some(word => word === '--help' || word === '-h')
}

function print(terminal: Terminal, text: string): number {
  terminal.stdout.write(text)
  return EXIT.done
}

async function node(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { args, options } = readArguments('node', { ...stateOption, ...nodeOptions }, argv)
  if (args[0] !== undefined) throw new UsageError(`node takes options only, and "${safe(args[0])}" is a word.`)
  const state = stateOf('node', options['state'])
  const config = options['config'] === undefined ? {} : { config: String(options['config']) }
  return await runNode({ state, ...config, verbose: options['verbose'] === true, program: programFor(state) }, terminal)
}

async function relay(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { args, options, every } = readArguments('relay', { ...stateOption, ...relayOptions }, argv)
  if (args[0] !== undefined) throw new UsageError(`relay takes options only, and "${safe(args[0])}" is a word.`)
  const state = stateOf('relay', options['state'])
  const [json, verbose] = [options['json'] === true, options['verbose'] === true]
  return await runRelay({ ...relayArguments(every), state, json, verbose, program: programFor(state) }, terminal)
}

async function ask(command: Command, argv: readonly string[], terminal: Terminal): Promise<number> {
  let state = ''
  const host = {
    get program(): string {
      return programFor(state)
    },
    connect: () => connectControl(resolve(state)),
    stdout: (text: string) => void terminal.stdout.write(text),
    stderr: terminal.stderr,
    input: terminal.input
  }
  return await runArgv(command, argv, host, {
    options: stateOption,
    check(options) {
      state = stateOf(command.name, options['state'])
    }
  })
}

function stateOf(name: string, value: string | boolean | undefined): string {
  if (typeof value === 'string' && value !== '') return value
  throw new UsageError(
    `${name} needs --state <dir>: the state directory of the instance, for example ${NAME} ${name} --state ./alice.`
  )
}

function programFor(state: string): string {
  return state === '' ? NAME : `${NAME} --state ${argument(state)}`
}

function programHelp(): string {
  return sections([
    [`Usage: ${NAME} <command> [options]`],
    ['Agents and programs that find, trust and message each other over libp2p.'],
    indented([
      ['node', NODE_SUMMARY],
      ['relay', RELAY_SUMMARY],
      ...commands.map(({ name, summary }): [string, string] => [name, summary])
    ]),
    indented([
      ['-s, --state <dir>', `${stateOption.state.description} Every command needs it.`],
      ['--json', 'Print the result of a command as JSON.'],
      ['-h, --help', 'Help of the program or of one command.'],
      ['-V, --version', 'The release.']
    ]),
    ['Exit codes: 0 done, 1 refused or failed, 2 wrong use, 3 accepted but not delivered yet.'],
    ['Examples:', ...[NODE_EXAMPLE, RELAY_EXAMPLE, ...commands.map(withState)].map(line => `  ${NAME} ${line}`)]
  ])
}

function nodeHelp(): string {
  return sections([
    [`Usage: ${NAME} node --state <dir> [options]`],
    [NODE_SUMMARY],
    optionLines({ ...stateOption, ...nodeOptions }),
    example(NAME, NODE_EXAMPLE)
  ])
}

function relayHelp(): string {
  return sections([
    [`Usage: ${NAME} relay --state <dir> --listen <multiaddr> (--allow <id> | --open) [options]`],
    [RELAY_SUMMARY],
    optionLines({ ...stateOption, ...relayOptions }),
    example(NAME, RELAY_EXAMPLE)
  ])
}

function withState(command: Command): string {
  return `${command.example} --state ./alice`
}
