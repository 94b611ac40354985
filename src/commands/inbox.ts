import type { Result } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { fields } from './table.ts'

/** A notice is a sentence, wrapped over a few lines. */
const NOTICE_MAX_CHARS = 1_000

/** Ids are counted from 1 and never given twice. */
const ID_RANGE = [1, 1_000_000_000_000] as const

export const inbox = defineCommand({
  name: 'inbox',
  summary: 'Show what the owner should know and has not read yet.',
  example: 'inbox --read',
  positionals: [],
  options: {
    read: { type: 'boolean', description: 'Mark what is shown as read: it is not listed again.' },
    dismiss: {
      type: 'string',
      placeholder: 'id',
      description: 'Take one notice out of the list, and show the others.',
      range: ID_RANGE
    }
  },
  async run({ client, options, out, program, signal }) {
    const dismiss = options.dismiss === undefined ? {} : { dismiss: Number(options.dismiss) }
    const list = await client.call('notices', dismiss, { signal })
    out.result(list, () => lines(list, program))
    // After it was printed: what nobody saw is not read.
    const last = list.at(-1)
    if (options.read && last !== undefined) await client.call('notices', { readUpTo: last.id }, { signal })
    return EXIT.done
  }
})

function lines(list: Result<'notices'>, program: string): string[] {
  if (list.length === 0) return ['Nothing new.']
  return [
    ...fields(
      list.map(({ id, at, text }) => [
        `${id}  ${safe(at.slice(0, 16).replace('T', ' '))}`,
        safe(text, NOTICE_MAX_CHARS)
      ])
    ),
    '',
    `Times are UTC. To clear the list: ${program} inbox --read; one of them: ${program} inbox --dismiss <id>`
  ]
}
