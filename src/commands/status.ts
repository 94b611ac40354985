import type { Status } from '../control/methods.ts'
import { ADDRESS_MAX_CHARS, safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { listed, reachable, relayLine, SENTENCE_MAX_CHARS, usageLines } from './network-lines.ts'
import { fields } from './table.ts'

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
    ...listed('address', report.addresses, {
      none: 'none: this instance is not listening',
      maxChars: ADDRESS_MAX_CHARS
    }),
    ['reachable', reachable({ verdict: report.reachability, reason: report.reachabilityReason })],
    ...listed('relay', report.relays.map(relayLine)),
    ...listed('carries', report.relay === null ? [] : usageLines(report.relay)),
    ['peers', `${report.peers} connected`],
    ['outbox', `${outbox.waiting} waiting`],
    ['inbox', `${inbox.open} open${unknown}`],
    ['notices', notices.unread === 0 ? 'none' : `${notices.unread} unread: ${program} inbox`],
    ['running', `version ${safe(report.version)} since ${safe(report.startedAt)}`],
    ...listed('not yet', report.pendingSettings, { maxChars: SENTENCE_MAX_CHARS }),
    ...listed('issue', report.issues, { maxChars: SENTENCE_MAX_CHARS })
  ])
}
