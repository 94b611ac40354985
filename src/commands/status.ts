import type { Status } from '../control/methods.ts'
import { ADDRESS_MAX_CHARS, safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { reachable, relayLine, usageLines } from './network-lines.ts'
import { fields } from './table.ts'

/** An issue is a sentence, wrapped over a few lines. */
const ISSUE_MAX_CHARS = 500

/** What stands beside a relay may be a sentence too. */
const RELAY_MAX_CHARS = 600

export const status = defineCommand({
  name: 'status',
  summary: 'Show who this instance is, where it listens, and what waits or does not work.',
  example: 'status --json',
  positionals: [],
  options: {},
  async run({ client, out, program, signal }) {
    const report = await client.call('status', {}, { signal })
    out.result(report, () => lines(report, program))
    return EXIT.done
  }
})

function lines(report: Status, program: string): string[] {
  const { outbox, inbox, notices } = report
  const unknown = inbox.unknown === 0 ? '' : `, ${inbox.unknown} of unknown outcome`
  return fields([
    ['instance', safe(report.instanceId)],
    ['peer id', safe(report.peerId)],
    ...many('address', report.addresses, ADDRESS_MAX_CHARS, 'none: this instance is not listening'),
    ['reachable', reachable({ verdict: report.reachability, reason: report.reachabilityReason })],
    ...many('relay', report.relays.map(relayLine), RELAY_MAX_CHARS),
    ...many('carries', report.relay === null ? [] : usageLines(report.relay), RELAY_MAX_CHARS),
    ['peers', `${report.peers} connected`],
    ['outbox', `${outbox.waiting} waiting`],
    ['inbox', `${inbox.open} open${unknown}`],
    ['notices', notices.unread === 0 ? 'none' : `${notices.unread} unread: ${program} inbox`],
    ['running', `version ${safe(report.version)} since ${safe(report.startedAt)}`],
    ...many('not yet', report.pendingSettings, ISSUE_MAX_CHARS),
    ...many('issue', report.issues, ISSUE_MAX_CHARS)
  ])
}

function many(name: string, values: readonly string[], maxChars: number, none?: string): [string, string][] {
  if (values.length === 0) return none === undefined ? [] : [[name, none]]
  return values.map((value, index) => [index === 0 ? name : '', safe(value, maxChars)])
}
