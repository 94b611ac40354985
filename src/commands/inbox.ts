import { MeshError } from '../control/errors.ts'
import type { Result } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'
import { UsageError } from './arguments.ts'
import { type CommandContext, defineCommand, EXIT, type ExitCode, type Options } from './command.ts'
import { detailLines, LIMIT_DEFAULT, limitOption, messageLines } from './inbox-list.ts'
import { fields } from './table.ts'
import { minuteOf } from './times.ts'

/** A notice is a sentence, wrapped over a few lines. */
const NOTICE_MAX_CHARS = 1_000

/** Notices are counted from 1, and their numbers never given twice. */
const ID_RANGE = [1, 1_000_000_000_000] as const

/** A number of up to seven digits is a notice, eight hex digits and more are the beginning of a message's id. */
const NOTICE_NUMBER = /^[1-9]\d{0,6}$/
const MESSAGE_ID = /^[0-9a-f]{8,32}$/i

const ACTIONS = ['list', 'show', 'read'] as const

type Context = Pick<
  CommandContext<'action' | 'id', Options>,
  'client' | 'args' | 'options' | 'out' | 'program' | 'signal'
>

export const inbox = defineCommand({
  name: 'inbox',
  summary: 'Show what the owner should know and has not read yet; list, show: the messages that came in.',
  example: 'inbox read',
  positionals: [
    {
      name: 'action',
      values: ACTIONS,
      default: '',
      description:
        'Nothing: the notices that are unread. list: the messages that came in, the newest first. show: one message, or one notice, in full. read: mark all notices as read, or one.'
    },
    {
      name: 'id',
      default: '',
      description:
        'For show and read: the number of a notice, or for show an id of a message, of which 8 digits are enough.'
    }
  ],
  options: {
    limit: limitOption,
    read: { type: 'boolean', description: 'The same as the word read.' },
    dismiss: {
      type: 'string',
      placeholder: 'id',
      description: 'Take one notice out of the list, and show the others.',
      range: ID_RANGE
    }
  },
  async run(context) {
    const { args, options } = context
    const { action, id } = args
    const marks = options.read || options.dismiss !== undefined
    if (action !== '' && marks) throw new UsageError('--read and --dismiss stand without a word behind inbox.')
    if (action !== 'list' && options.limit !== undefined) throw new UsageError('--limit belongs to inbox list.')
    if (action === 'list' && id !== '')
      throw new UsageError(`inbox list takes no id; to see one message: inbox show ${safe(id)}.`)
    if (action === 'list') return await list(context)
    if (action === 'show') return await show(context)
    if (action === 'read') return await read(context)
    return await unread(context)
  }
})

async function list({ client, options, out, program, signal }: Context): Promise<ExitCode> {
  const found = await client.call('messages', { limit: Number(options['limit'] ?? LIMIT_DEFAULT) }, { signal })
  out.result(found, () => [
    ...messageLines(found),
    ...(found.length === 0
      ? []
      : ['', `In full, by its id: ${program} inbox show <id>; what you should know: ${program} inbox`])
  ])
  return EXIT.done
}

async function show(context: Context): Promise<ExitCode> {
  const { client, out, args, program, signal } = context
  const id = args.id.toLowerCase()
  if (NOTICE_NUMBER.test(id)) {
    const notice = await noticeOf(context)
    out.result(notice, () => noticeLines([notice]))
    return EXIT.done
  }
  if (!MESSAGE_ID.test(id))
    throw new UsageError(
      `inbox show needs the id of a message, of which 8 digits are enough, or the number of a notice; see ${program} inbox list.`
    )
  const message = await client.call('inbound', { id }, { signal }).catch((error: unknown) => {
    if (error instanceof MeshError && error.code === 'not_found')
      throw new UsageError(`No message ${id} came in, or it was forgotten; see ${program} inbox list.`)
    throw error
  })
  out.result(message, () => detailLines(message))
  return EXIT.done
}

/** Prints what it marks, and marks what it has printed: what nobody saw is not read. */
async function read(context: Context): Promise<ExitCode> {
  const { client, out, args, signal } = context
  if (args.id !== '') {
    const notice = await noticeOf(context)
    out.result([notice], () => noticeLines([notice]))
    await client.call('notices', { dismiss: notice.id }, { signal })
    return EXIT.done
  }
  const notices = await client.call('notices', {}, { signal })
  out.result(notices, () => noticeLines(notices))
  await markAll(context, notices)
  return EXIT.done
}

async function unread(context: Context): Promise<ExitCode> {
  const { client, options, out, program, signal } = context
  const dismiss = options['dismiss'] === undefined ? {} : { dismiss: Number(options['dismiss']) }
  const notices = await client.call('notices', dismiss, { signal })
  out.result(notices, () => [
    ...noticeLines(notices),
    ...(notices.length === 0
      ? []
      : ['', `Times are UTC. To clear the list: ${program} inbox read; one of them: ${program} inbox read <id>`]),
    `The messages that came in: ${program} inbox list`
  ])
  if (options['read'] === true) await markAll(context, notices)
  return EXIT.done
}

async function markAll({ client, signal }: Context, notices: Result<'notices'>): Promise<void> {
  const last = notices.at(-1)
  if (last !== undefined) await client.call('notices', { readUpTo: last.id }, { signal })
}

/** The unread notice of that number; UsageError where there is none. */
async function noticeOf({ client, args, program, signal }: Context): Promise<Result<'notices'>[number]> {
  const notices = NOTICE_NUMBER.test(args.id) ? await client.call('notices', {}, { signal }) : []
  const found = notices.find(({ id }) => id === Number(args.id))
  if (found === undefined)
    throw new UsageError(`No unread notice has the number ${safe(args.id)}; see ${program} inbox.`)
  return found
}

function noticeLines(notices: Result<'notices'>): string[] {
  if (notices.length === 0) return ['Nothing new.']
  return fields(notices.map(({ id, at, text }) => [`${id}  ${minuteOf(at)}`, safe(text, NOTICE_MAX_CHARS)]))
}
