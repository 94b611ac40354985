import { type Command, commandHelp, commands, runArgv } from '../commands/index.ts'
import type { HostApi } from './host-types.ts'
import { gatewayClient } from './rpc.ts'
import { PROGRAM } from './words.ts'

/** What of the host's command-line parser (commander) is used. */
interface Program {
  command(name: string): Program
  description(text: string): Program
  argument(words: string): Program
  allowUnknownOption(): Program
  helpOption(flags: false): Program
  action(run: (words: string[]) => Promise<void>): Program
}

/** Name and words of the command's root, as the manifest declares them too. */
const CLI_ROOT = {
  name: 'p2p',
  description: 'Peers, messages and trust of the libp2p mesh',
  hasSubcommands: true
}

/** `openclaw p2p <command>`: the commands of the mesh, asked of the running gateway. */
export function registerCli(api: HostApi): void {
  api.registerCli(
    ({ program }) => {
      const root: Program = program.command(CLI_ROOT.name).description(CLI_ROOT.description)
      for (const command of commands) addCommand(root, command)
    },
    { descriptors: [CLI_ROOT] }
  )
}

/** Commander hands over all words after the command's name; the command itself reads them, so that its errors are the same in both hosts. */
function addCommand(root: Program, command: Command): void {
  root
    .command(command.name)
    .description(command.summary)
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: string[]) => {
      if (words.includes('--help') || words.includes('-h'))
        return void process.stdout.write(commandHelp(command, PROGRAM))
      process.exitCode = await runArgv(command, words, {
        program: PROGRAM,
        connect: async () => gatewayClient(),
        stdout: text => void process.stdout.write(text),
        stderr: text => void process.stderr.write(text),
        input: process.stdin
      })
    })
}
