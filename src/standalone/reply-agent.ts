import type { AbortOptions, Agent, DispatchOutcome, Inbound, TurnEvents } from '../mesh/ports.ts'
import { messageEvent } from './display.ts'
import type { JsonLines } from './json-lines.ts'
import { type CommandOutcome, runReplyCommand } from './reply-command.ts'

export interface ReplyAgentInit {
  /** Program and arguments. */
  command: readonly string[]
}

/** Answers like an agent: prints the message, gives its text to a program, and sends back what that program prints. */
export class ReplyAgent implements Agent {
  readonly #lines: JsonLines
  readonly #command: readonly string[]

  constructor(components: { lines: JsonLines }, init: ReplyAgentInit) {
    this.#lines = components.lines
    this.#command = init.command
  }

  async turn(inbound: Inbound, events: TurnEvents, options: AbortOptions = {}): Promise<DispatchOutcome> {
    const written = await this.#lines.write(messageEvent(inbound), options)
    if (!written) return { outcome: 'retry', detail: 'standard output is closed' }
    if (!inbound.mayStartTurn) return { outcome: 'done' }
    const outcome = await runReplyCommand(this.#command, inbound.text, {
      env: environmentOf(inbound),
      started: () => events.adopted(),
      signal: options.signal
    })
    return await this.#conclude(outcome, events)
  }

  async #conclude(outcome: CommandOutcome, events: TurnEvents): Promise<DispatchOutcome> {
    if (outcome.type === 'failed') return { outcome: 'failed', detail: outcome.detail }
    // It was taken down in the middle: what it had done by then is not known here.
    if (outcome.type === 'interrupted')
      return { outcome: 'unknown', detail: 'the node stopped while the reply command ran' }
    if (outcome.reply !== '') await events.reply(outcome.reply)
    return { outcome: 'done' }
  }
}

/** What a program may want to know about the message besides its text. */
function environmentOf({ id, from, conversation }: Inbound): Record<string, string> {
  return {
    LIBP2P_MESH_MESSAGE_ID: id,
    LIBP2P_MESH_CONVERSATION: conversation,
    LIBP2P_MESH_FROM_PEER_ID: from.peer,
    LIBP2P_MESH_FROM_INSTANCE_ID: from.instanceId
  }
}
