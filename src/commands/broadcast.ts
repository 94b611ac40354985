import { BROADCAST_TEXT_MAX_BYTES, safe } from '../protocol/index.ts'
import { UsageError } from './arguments.ts'
import { defineCommand, EXIT } from './command.ts'
import { fields } from './table.ts'

export const broadcast = defineCommand({
  name: 'broadcast',
  summary: 'Send a text to everybody in the topic; best effort, without receipts.',
  example: 'broadcast "Back in five minutes."',
  positionals: [{ name: 'text', description: 'the text, or - for standard input' }],
  options: {
    topic: { type: 'string', placeholder: 'topic', description: 'Another topic than the setting meshTopic.' }
  },
  async run({ client, args, options, out, input, signal }) {
    const text = args.text === '-' ? (await input(BROADCAST_TEXT_MAX_BYTES)).replace(/\r?\n$/, '') : args.text
    if (text === '') throw new UsageError('The text on standard input is empty.')
    const result = await client.call('broadcast', { text, topic: options.topic }, { signal })
    out.result(result, () =>
      fields([
        [
          'to',
          `${result.recipients} direct ${result.recipients === 1 ? 'member' : 'members'} of ${safe(result.topic)}`
        ],
        ['id', safe(result.id)]
      ])
    )
    if (result.recipients === 0)
      out.note(`Nobody in ${safe(result.topic)} is connected now, so nobody will get it: broadcasts are not stored.`)
    return EXIT.done
  }
})
