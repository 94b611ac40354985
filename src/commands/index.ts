import { approve } from './approve.ts'
import { broadcast } from './broadcast.ts'
import { budget } from './budget.ts'
import type { Command } from './command.ts'
import { forget } from './forget.ts'
import { inbox } from './inbox.ts'
import { invite } from './invite.ts'
import { join } from './join.ts'
import { messages } from './messages.ts'
import { nearby } from './nearby.ts'
import { netcheck } from './netcheck.ts'
import { outbox } from './outbox.ts'
import { peers } from './peers.ts'
import { ping } from './ping.ts'
import { reject } from './reject.ts'
import { rename } from './rename.ts'
import { request } from './request.ts'
import { requests } from './requests.ts'
import { send } from './send.ts'
import { status } from './status.ts'
import { trust } from './trust.ts'

export { type RepeatedValues, readArguments, UsageError } from './arguments.ts'
export { type Command, EXIT, type ExitCode, type Options } from './command.ts'
export { commandHelp, example, indented, optionLines, sections } from './help.ts'
export { jsonLine } from './output.ts'
export { isReason } from './refusals.ts'
export { type CommandHost, runArgv, runCommand } from './run.ts'
export { sentence } from './sentences.ts'
export { packageVersion } from './version.ts'

/** Every command, in the order of help. */
export const commands: readonly Command[] = [
  status,
  netcheck,
  peers,
  ping,
  nearby,
  invite,
  join,
  request,
  requests,
  approve,
  reject,
  trust,
  rename,
  forget,
  send,
  broadcast,
  outbox,
  messages,
  inbox,
  budget
]
