import { approve } from './approve.ts'
import { broadcast } from './broadcast.ts'
import type { Command } from './command.ts'
import { peers } from './peers.ts'
import { send } from './send.ts'
import { status } from './status.ts'
import { trust } from './trust.ts'

export { readArguments, UsageError } from './arguments.ts'
export { type Command, EXIT, type ExitCode, type Options } from './command.ts'
export { commandHelp, example, indented, optionLines, sections } from './help.ts'
export { jsonLine } from './output.ts'
export { type CommandHost, runArgv, runCommand } from './run.ts'
export { argument, sentence } from './sentences.ts'
export { packageVersion } from './version.ts'

/** Every command, in the order of help. */
export const commands: readonly Command[] = [status, peers, send, broadcast, approve, trust]
