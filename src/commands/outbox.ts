import { OUTBOX_LIST_MAX } from '../control/message-methods.ts'
import type { Result } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'
import { UsageError } from './arguments.ts'
import { type CommandContext, defineCommand, EXIT, type ExitCode } from './command.ts'
import { fullName } from './fingerprint.ts'
import { isReason, refusal } from './refusals.ts'
import { fields, table } from './table.ts'
import { textLines } from './text-lines.ts'
import { minuteOf, secondOf } from './times.ts'

const ACTIONS = ['list', 'show', 'retry', 'cancel', 'dismiss'] as const

type Action = (typeof ACTIONS)[number]

const ID = /^[0-9a-f]{32}$/

type Entry = Result<'outbox'>['waiting'][number]

type Context = Pick<CommandContext<never, Record<never, never>>, 'client' | 'out' | 'program' | 'signal'>

export const outbox = defineCommand({
  name: 'outbox',
  summary: 'Show what waits and what did not arrive; try it again, take it back or dismiss it.',
  example: 'outbox show 0123456789abcdef0123456789abcdef',
  positionals: [
    {
      name: 'action',
      description: 'list (without one), show, retry, cancel or dismiss',
      values: ACTIONS,
      default: 'list'
    },
    { name: 'id', description: 'the id of a message, for all but list', default: '' }
  ],
  options: {
    limit: {
      type: 'string',
      short: 'l',
      placeholder: 'count',
      range: [1, OUTBOX_LIST_MAX],
      default: '50',
      description: 'How many of each list at most.'
    }
  },
  async run({ args, options, ...context }) {
    const action = args.action as Action
    if (action === 'list') {
      if (args.id !== '') throw new UsageError('outbox list takes no id; to see one message: outbox show <id>.')
      return await list(Number(options.limit), context)
    }
    const id = args.id.toLowerCase()
    if (!ID.test(id)) {
      const given = id === '' ? 'needs <id>' : `does not understand the id "${safe(id)}"`
      throw new UsageError(`outbox ${action} ${given}: the 32 digits and letters that the send and the list print.`)
    }
    return await ACTS[action](id, context)
  }
})

async function list(limit: number, { client, out, program, signal }: Context): Promise<ExitCode> {
  const result = await client.call('outbox', { limit }, { signal })
  const { waiting, deadLetters, counts } = result
  out.result(result, () => {
    if (counts.waiting + counts.deadLetters === 0) return ['Nothing waits, and nothing failed.']
    return [
      ...section(`Waiting: ${shown(waiting.length, counts.waiting)}.`, waiting),
      ...(waiting.length > 0 && deadLetters.length > 0 ? [''] : []),
      ...section(`Did not arrive: ${shown(deadLetters.length, counts.deadLetters)}.`, deadLetters),
      '',
      `Times are UTC. See ${program} outbox show|retry|cancel|dismiss <id>`
    ]
  })
  return EXIT.done
}

function section(heading: string, entries: readonly Entry[]): string[] {
  if (entries.length === 0) return []
  const rows = entries.map(({ to, id, state, createdAt, expiresAt }) => [
    safe(to.name),
    id,
    state,
    minuteOf(createdAt),
    minuteOf(expiresAt)
  ])
  return [heading, ...table(['TO', 'ID', 'STATE', 'SENT', 'EXPIRES'], rows)]
}

function shown(listed: number, all: number): string {
  return listed === all ? String(all) : `${listed} of ${all}`
}

async function show(id: string, { client, out, program, signal }: Context): Promise<ExitCode> {
  const message = await client.call('message', { id }, { signal })
  out.result(message, () => {
    const { to, state, reason, text, reply, attempts } = message
    const peer = safe(to.instanceId)
    const why = reason === null ? [] : [['why', isReason(reason) ? refusal(reason, { peer, program }) : safe(reason)]]
    const tried = attempts === null ? [] : [['tries', attempts === 1 ? '1 in vain' : `${attempts} in vain`]]
    const times = (
      [
        ['written', message.createdAt],
        ['expires', message.expiresAt],
        ['sent', message.sentAt],
        ['next try', message.nextTryAt]
      ] as const
    ).flatMap(([name, at]) => (at === null ? [] : [[name, `${secondOf(at)} UTC`]]))
    const about = fields(
      [
        ['id', id],
        ['to', fullName(to)],
        ['state', message.deadLetter ? `${state}, a dead letter` : state],
        ...why,
        ...times,
        ...tried
      ].map(([name = '', value = '']): [string, string] => [name, value])
    )
    return [...about, '', 'Text:', ...indented(text ?? '(it cannot be read)'), ...answer(reply)]
  })
  return EXIT.done
}

function answer(reply: string | null): string[] {
  return reply === null ? [] : ['', 'Answer of the peer:', ...indented(reply)]
}

function indented(text: string): string[] {
  return textLines(text).map(line => `  ${line}`)
}

async function retry(id: string, { client, out, program, signal }: Context): Promise<ExitCode> {
  const result = await client.call('retryMessage', { id }, { signal })
  const peer = safe(result.to.instanceId)
  const how = result.connected ? `it was handed to the link with ${peer}` : `${peer} is being dialled`
  out.result(result, () =>
    result.retriedAs === null
      ? [`Tried again: ${how}.`]
      : [`Sent again as message ${result.retriedAs}; the old one is dismissed. It goes on by itself.`]
  )
  out.note(`What becomes of it: ${program} outbox show ${result.retriedAs ?? id}`)
  return EXIT.done
}

async function cancel(id: string, { client, out, signal }: Context): Promise<ExitCode> {
  const result = await client.call('cancelMessage', { id }, { signal })
  out.result(result, () => [`Message ${id} is cancelled.`])
  if (result.sent) out.note('It was on its way already, so the peer may have it all the same.')
  return EXIT.done
}

async function dismiss(id: string, { client, out, signal }: Context): Promise<ExitCode> {
  const result = await client.call('dismissMessage', { id }, { signal })
  const left = result.deadLetters === 1 ? '1 dead letter is left' : `${result.deadLetters} dead letters are left`
  out.result(result, () => [`Message ${id} is dismissed; ${left}.`])
  return EXIT.done
}

const ACTS: Record<Exclude<Action, 'list'>, (id: string, context: Context) => Promise<ExitCode>> = {
  show,
  retry,
  cancel,
  dismiss
}
