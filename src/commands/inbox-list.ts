import type { Result } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'
import type { Option } from './command.ts'
import { fingerprintIn, fullName } from './fingerprint.ts'
import { fields, table } from './table.ts'
import { textLines } from './text-lines.ts'
import { minuteOf } from './times.ts'

/** A line of text, breaks as blanks, is for finding a message again; the whole of it is what `inbox show` prints. */
const TEXT_MAX_CHARS = 40

/** The text gives way before the name does, and again after it: it stands whole elsewhere, and a name that is cut may be anybody's. */
const YIELDS = [5, 0, 5]

/** Enough of an id to name a message by it. */
const ID_SHOWN_CHARS = 8

/** What an owner may want to look through. */
const LIMIT_MAX = 200

export const LIMIT_DEFAULT = 20

export const limitOption = {
  type: 'string',
  short: 'l',
  placeholder: 'count',
  range: [1, LIMIT_MAX],
  description: `How many messages at most, ${LIMIT_DEFAULT} when not given.`
} as const satisfies Option

/** A line per message. */
export function messageLines(list: Result<'messages'>): string[] {
  if (list.length === 0) return ['No messages.']
  return table(
    ['FROM', 'FINGERPRINT', 'CAME (UTC)', 'STATE', 'ID', 'TEXT'],
    list.map(({ id, from, at, state, text }) => [
      safe(from.name),
      fingerprintIn(from.instanceId),
      minuteOf(at),
      state,
      safe(id.slice(0, ID_SHOWN_CHARS)),
      safe(text.replaceAll(/\s+/g, ' '), TEXT_MAX_CHARS)
    ]),
    { yields: YIELDS }
  )
}

/** Everything about one message, its text below. */
export function detailLines(message: Result<'inbound'>): string[] {
  const { id, from, at, sentAt, state, reason, attempts, kind, conversation, inReplyTo, text } = message
  const rows: Array<[string, string]> = [
    ['id', id],
    ['from', fullName(from)],
    ['sent', `${minuteOf(sentAt)} UTC, by the clock of the sender`],
    ['came', `${minuteOf(at)} UTC`],
    ['state', reason === null ? state : `${state} (${safe(reason)})`],
    ['tries', `${attempts}`],
    ['conversation', conversation]
  ]
  if (kind === 'host') rows.push(['kind', 'said by the host of the sender, starts no turn'])
  if (inReplyTo !== null) rows.push(['answers', inReplyTo])
  return [...fields(rows), '', ...textLines(text)]
}
