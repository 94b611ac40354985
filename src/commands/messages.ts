import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { fingerprintIn } from './fingerprint.ts'
import { table } from './table.ts'

/** A line of text is for finding a message again; the whole of it stands in `--json`. */
const TEXT_MAX_CHARS = 60

/** The text gives way before the name does: it stands whole elsewhere, and a name that is cut may be anybody's. */
const YIELDS = [4, 0]

/** What an owner may want to look through. */
const LIMIT_MAX = 200

export const messages = defineCommand({
  name: 'messages',
  summary: 'List the messages that came in, the newest first, as far as they are kept.',
  example: 'messages --limit 10',
  positionals: [],
  options: {
    limit: {
      type: 'string',
      short: 'l',
      placeholder: 'count',
      range: [1, LIMIT_MAX],
      default: '20',
      description: 'How many at most.'
    }
  },
  async run({ client, options, out, signal }) {
    const list = await client.call('messages', { limit: Number(options.limit) }, { signal })
    out.result(list, () =>
      list.length === 0
        ? ['No messages.']
        : table(
            ['FROM', 'FINGERPRINT', 'CAME (UTC)', 'STATE', 'TEXT'],
            list.map(({ from, at, state, text }) => [
              safe(from.name),
              fingerprintIn(from.instanceId),
              safe(at.slice(0, 16).replace('T', ' ')),
              state,
              safe(text, TEXT_MAX_CHARS)
            ]),
            { yields: YIELDS }
          )
    )
    return EXIT.done
  }
})
