import { defineCommand, EXIT } from './command.ts'
import { LIMIT_DEFAULT, limitOption, messageLines } from './inbox-list.ts'

export const messages = defineCommand({
  name: 'messages',
  summary: 'List the messages that came in, as inbox list does.',
  example: 'messages --limit 10',
  positionals: [],
  options: { limit: limitOption },
  async run({ client, options, out, signal }) {
    const list = await client.call('messages', { limit: Number(options.limit ?? LIMIT_DEFAULT) }, { signal })
    out.result(list, () => messageLines(list))
    return EXIT.done
  }
})
