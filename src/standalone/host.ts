import type { HostPorts } from '../control/bridge.ts'
import type { Broadcast, Log, Notice, Notices } from '../mesh/ports.ts'
import type { NodeSettings } from '../settings/index.ts'
import { createDisplay, messageEvent } from './display.ts'
import type { JsonLines, NodeEvent } from './json-lines.ts'
import { ReplyAgent } from './reply-agent.ts'

export interface HostComponents {
  lines: JsonLines
  log: Log
}

/** What the engine gets from the bare host: a display, or an agent where a command answers; everything else becomes a line. */
export function createHost(
  { lines, log }: HostComponents,
  { replyCommand }: Pick<NodeSettings, 'replyCommand'>
): HostPorts {
  const display = replyCommand === undefined ? createDisplay({ lines }) : undefined
  const agent = replyCommand === undefined ? undefined : new ReplyAgent({ lines }, { command: replyCommand })
  return {
    ...(display !== undefined && { display }),
    ...(agent !== undefined && { agent }),
    notices: createNotices({ lines, log }, { showsReplies: display !== undefined }),
    log,
    event(event) {
      // `ready` is printed when the control socket is served too, which the mesh itself does not know.
      if (event.type !== 'peer') return
      const { state, peerId, instanceId, path } = event
      void lines.write({ event: 'peer', state, peerId, instanceId, path })
    }
  }
}

/** @param init `showsReplies`: a display prints every reply, so that a late one in a notice would be printed twice */
function createNotices({ lines, log }: HostComponents, { showsReplies }: { showsReplies: boolean }): Notices {
  return {
    async notify(notice, options) {
      if (notice.kind === 'broadcast') await lines.write(broadcastEvent(notice.broadcast), options)
      else if (notice.kind === 'owner') await lines.write({ event: 'notice', text: notice.text }, options)
      else if (notice.kind === 'message') await lines.write(messageEvent(notice.inbound), options)
      else if (notice.kind === 'answer') {
        if (!showsReplies) await lines.write(messageEvent(notice.inbound), options)
      } else logSettled(log, notice)
    }
  }
}

function broadcastEvent({ id, topic, from, text }: Broadcast): NodeEvent {
  return { event: 'broadcast', id, topic, fromPeerId: from.peer, fromInstanceId: from.instanceId, text }
}

/** The owner reads the log: what became of a message whose sender had stopped waiting. */
function logSettled(log: Log, { ids, state, to }: Extract<Notice, { kind: 'settled' }>): void {
  log.info('Message settled', { ids, state, to: to.instanceId })
}
