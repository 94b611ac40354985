import { Inbox, type InboxComponents } from '../../src/mesh/inbox.ts'
import { FakeLog } from './log.ts'

/** An inbox whose dispatch has room for everybody and whose peers are never struck: only its store says no. */
export function roomyInbox(
  components: Pick<InboxComponents, 'store' | 'signer' | 'clock' | 'send'> &
    Partial<Pick<InboxComponents, 'log' | 'ready'>>
): Inbox {
  return new Inbox({
    log: new FakeLog(),
    ready: () => undefined,
    room: () => true,
    fullUntilMs: () => 0,
    strike: () => undefined,
    ...components
  })
}
