import { safe, TICKET_TEXT_MAX_CHARS } from '../protocol/index.ts'
import { UsageError } from './arguments.ts'
import { defineCommand, EXIT } from './command.ts'
import { trustLines } from './trust.ts'

export const join = defineCommand({
  name: 'join',
  summary: 'Use a ticket: go to who made it, and pair both sides. `-` reads it from standard input.',
  example: 'join mesh1aqq...',
  positionals: [{ name: 'ticket', description: 'the text that invite printed, quoted if it has spaces, or -' }],
  options: {},
  async run({ client, args, input, out, signal }) {
    const ticket = args.ticket === '-' ? (await input(TICKET_TEXT_MAX_CHARS)).trim() : args.ticket
    if (ticket === '' || ticket.length > TICKET_TEXT_MAX_CHARS)
      throw new UsageError('<ticket> of join is empty or too long: paste the text that invite printed.')
    const result = await client.call('join', { ticket }, { signal })
    const { peerId, instanceId, trust } = result
    const paired = trust === 'paired' || trust === 'trusted'
    // The owner may change the settings while the other side answers.
    const words = paired ? 'Paired.' : 'The ticket was used, but this peer is not let in here now.'
    // What the owner of the other side compares with its notice. The ticket is used by now: without an answer the line is left out.
    const known = await client.call('status', {}, { signal }).then(
      status => ({ self: safe(status.instanceId) }),
      () => ({})
    )
    out.result({ peerId, instanceId, trust }, () => [words, ...trustLines(result, known)])
    return paired ? EXIT.done : EXIT.failed
  }
})
