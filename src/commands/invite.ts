import { renderUnicodeCompact } from 'uqr'
import type { Result } from '../control/methods.ts'
import { underOpenClaw } from '../control/program.ts'
import { parseInstanceId, safe, shortFingerprint, TICKET_TTL_MAX_MS, TICKET_USES_MAX } from '../protocol/index.ts'
import { UsageError } from './arguments.ts'
import { defineCommand, EXIT } from './command.ts'
import { durationMs } from './duration.ts'
import { table } from './table.ts'
import { minuteOf } from './times.ts'

/** A ticket that nobody can paste in time is none. */
const TTL_MIN_MS = 30_000

/** Quiet modules around the code; a terminal adds its own background. */
const QR_BORDER = 2

/** 32 bits of 64: 64 tickets are kept, and one that is like another is refused. */
const ID_SHOWN_CHARS = 8

const ID = /^[0-9a-f]{4,16}$/

export const invite = defineCommand({
  name: 'invite',
  summary: 'Make a ticket: who joins with it is paired with this instance at once.',
  example: 'invite --ttl 1h --name laptop',
  positionals: [],
  options: {
    ttl: {
      type: 'string',
      placeholder: 'time',
      default: '15m',
      description: 'How long it can be used: 90s, 15m, 2h, 7d.'
    },
    uses: {
      type: 'string',
      range: [1, TICKET_USES_MAX],
      default: '1',
      description: 'How many instances may join with it.'
    },
    name: { type: 'string', short: 'n', placeholder: 'name', description: 'The name that the one who joins has here.' },
    plain: { type: 'boolean', description: 'Leave the picture out.' },
    list: { type: 'boolean', description: 'List the tickets that were made, instead of making one.' },
    revoke: {
      type: 'string',
      placeholder: 'id',
      description: 'Withdraw a ticket of that list: nobody can join with it any more.'
    }
  },
  async run({ client, options, out, program, signal }) {
    if (options.list && options.revoke !== undefined)
      throw new UsageError('--list and --revoke are two commands: name one of them.')
    if ((options.list || options.revoke !== undefined) && (options.name !== undefined || options.plain))
      throw new UsageError('--name and --plain are for a new ticket; --list and --revoke make none.')
    if (options.list) {
      const list = await client.call('tickets', {}, { signal })
      out.result(list, () => lines(list, program))
      return EXIT.done
    }
    if (options.revoke !== undefined) {
      const id = options.revoke.trim().toLowerCase()
      if (!ID.test(id)) throw new UsageError(`--revoke is "${safe(options.revoke)}": take the id that --list shows.`)
      const ticket = await client.call('withdraw', { id }, { signal })
      const came =
        ticket.used === 0 ? 'Nobody came with it.' : `Who came with it stays: ${ticket.used} of ${ticket.uses}.`
      out.result(ticket, () => [`Ticket ${shortId(ticket)} is withdrawn. ${came}`])
      return EXIT.done
    }
    const ttlMs = durationMs('--ttl', options.ttl, { minMs: TTL_MIN_MS, maxMs: TICKET_TTL_MAX_MS })
    const { ticket, expiresAt, instanceId } = await client.call(
      'invite',
      { ttlMs, uses: Number(options.uses), ...(options.name !== undefined && { name: options.name }) },
      { signal }
    )
    out.result({ ticket, expiresAt }, () => [
      // Upper case, because a QR code packs capitals and digits much closer.
      ...(options.plain ? [] : [renderUnicodeCompact(ticket.toUpperCase(), { border: QR_BORDER }), '']),
      ticket,
      '',
      `Run on the other side, until ${safe(expiresAt)}: ${underOpenClaw(program) ? 'openclaw p2p' : 'libp2p-mesh --state <dir>'} join <ticket>`,
      `It will show this instance as ${safe(instanceId)} (${shortFingerprint(parseInstanceId(instanceId).fingerprint)}).`
    ])
    return EXIT.done
  }
})

function shortId({ id }: { id: string }): string {
  return safe(id.slice(0, ID_SHOWN_CHARS))
}

function lines(list: Result<'tickets'>, program: string): string[] {
  if (list.length === 0) return ['There are no tickets.']
  return [
    ...table(
      ['ID', 'STATE', 'USED', 'UNTIL (UTC)', 'NAME'],
      list.map(ticket => [
        shortId(ticket),
        ticket.state,
        `${ticket.used} of ${ticket.uses}`,
        minuteOf(ticket.expiresAt),
        safe(ticket.name ?? '')
      ])
    ),
    '',
    `To withdraw one: ${program} invite --revoke <id>`
  ]
}
