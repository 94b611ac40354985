import { EXPIRY_MIN_MS, type SendResult } from '../control/methods.ts'
import { EXPIRY_MAX_MS, RECEIPT_LEVELS, type ReceiptLevel, safe, TEXT_MAX_BYTES } from '../protocol/index.ts'
import { UsageError } from './arguments.ts'
import { defineCommand, EXIT, type ExitCode } from './command.ts'
import { durationMs } from './duration.ts'
import { fullName } from './fingerprint.ts'
import type { Output } from './output.ts'
import { isReason, refusal } from './refusals.ts'
import { fields } from './table.ts'
import { textLines } from './text-lines.ts'

const LEVELS = Object.keys(RECEIPT_LEVELS) as ReceiptLevel[]

/** One hour, as the control method allows; whoever wants to wait longer finds the answer in the mesh's own output. */
const TIMEOUT_MAX_MS = 3_600_000

/** Stands for the text when it comes from standard input. */
const FROM_INPUT = '-'

export const send = defineCommand({
  name: 'send',
  summary: 'Send a text to one peer and wait for its receipt or its answer.',
  example: 'send bob "Is the build green?" --wait answered',
  positionals: [
    { name: 'target', description: 'instance id, peer id or name of a peer' },
    { name: 'text', description: 'the text, or - for standard input' }
  ],
  options: {
    wait: {
      type: 'string',
      short: 'w',
      placeholder: 'level',
      values: LEVELS,
      default: 'delivered',
      description: 'What to wait for: stored at the peer, shown or taken by its agent, or its answer.'
    },
    timeout: {
      type: 'string',
      short: 't',
      placeholder: 'ms',
      range: [0, TIMEOUT_MAX_MS],
      description:
        'How long to wait; then the message is pending and goes on by itself. Default: the setting deliveryAckTimeoutMs.'
    },
    expires: {
      type: 'string',
      short: 'e',
      placeholder: 'time',
      description:
        'How long it may wait to be delivered: 30m, 2h, 31d at most. Then it is not sent any more. Default: 7d.'
    }
  },
  async run({ client, args, options, out, input, program, signal }) {
    // Before the standard input is read: a wrong option is said at once.
    const expiresInMs =
      options.expires === undefined
        ? undefined
        : durationMs('--expires', options.expires, { minMs: EXPIRY_MIN_MS, maxMs: EXPIRY_MAX_MS })
    const text = args.text === FROM_INPUT ? withoutLastBreak(await input(TEXT_MAX_BYTES)) : args.text
    if (text === '') throw new UsageError('The text on standard input is empty.')
    const waitFor = options.wait as ReceiptLevel
    const timeoutMs = options.timeout === undefined ? undefined : Number(options.timeout)
    const result = await client.call(
      'send',
      { target: args.target, text, waitFor, timeoutMs, ...(expiresInMs !== undefined && { expiresInMs }) },
      { signal }
    )
    out.result(ordered(result), () => lines(result))
    return conclude(result, waitFor, out, program)
  }
})

/** `echo text | ... send bob -`: the break at the end belongs to echo. */
function withoutLastBreak(text: string): string {
  return text.replace(/\r?\n$/, '')
}

/** The keys that scripts read first. */
function ordered({ id, level, path, ms, reply, ...more }: SendResult): SendResult {
  return { id, level, path, ms, reply, ...more }
}

function lines(result: SendResult): string[] {
  const { id, level, path, reply, to } = result
  const head = `${level} ${level === 'pending' ? 'after' : 'in'} ${Math.round(result.ms)} ms${path === null ? '' : `, path ${path}`}`
  const about = fields([
    ['to', fullName(to)],
    ['id', safe(id)]
  ])
  return reply === null ? [head, ...about] : [head, ...about, '', ...textLines(reply)]
}

/** Exit code and advice: pending while more may come, failed when what was waited for will never come. */
function conclude(
  { level, reason, repeated, to }: SendResult,
  waitFor: ReceiptLevel,
  out: Output,
  program: string
): ExitCode {
  const peer = safe(to.instanceId)
  if (repeated) out.note('The same call had been made before: this is its message, nothing was sent again.')
  if (level !== 'pending' && RECEIPT_LEVELS[level] >= RECEIPT_LEVELS[waitFor]) return EXIT.done
  if (reason !== null && isReason(reason)) {
    out.note(refusal(reason, { peer, program }))
    return EXIT.failed
  }
  out.note(
    `${peer} has not confirmed "${waitFor}" yet: the message is stored and goes on by itself, so do not send it again.`
  )
  return EXIT.pending
}
