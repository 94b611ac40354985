import type { HostPorts } from '../control/bridge.ts'
import type { Log, Notice, Notices } from '../mesh/ports.ts'
import type { NodeSettings } from '../settings/index.ts'
import { createDisplay, messageEvent } from './display.ts'
import type { JsonLines } from './json-lines.ts'
import { ReplyAgent } from './reply-agent.ts'

export interface HostComponents {
  lines: JsonLines
  log: Log
}

/** What the engine gets from the bare host: a display, or an agent where a command answers; everything else becomes a line. */
export function createHost({ lines, log }: HostComponents, { replyCommand }: Pick<NodeSettings, 'replyCommand'>): HostPorts {
  return {
    ...(replyCommand === undefined
      ? { display: createDisplay({ lines }) }
      : { agent: new ReplyAgent({ lines }, { command: replyCommand }) }),
    notices: createNotices({ lines, log }),
    log,
    event(event) {
      // `ready` is printed when the control socket is served too, which the mesh itself does not know.
      if (event.type !== 'peer') return
      const { state, peerId, instanceId, path } = event
      void lines.write({ event: 'peer', state, peerId, instanceId, path })
    }
  }
}

function createNotices({ lines, log }: HostComponents): Notices {
  return {
    async notify(notice, options) {
      if (notice.kind === 'broadcast') {
        const { id, topic, from, text } = notice.broadcast
        await lines.write({ event: 'broadcast', id, topic, fromPeerId: from.peer, fromInstanceId: from.instanceId, text }, options)
        return
      }
      if (notice.kind === 'message') return void (await lines.write(messageEvent(notice.inbound), options))
      if (notice.kind === 'settled') logSettled(log, notice)
      const inbound = notice.kind === 'settled' ? notice.reply : notice.inbound
      if (inbound !== undefined) await lines.write(messageEvent(inbound), options)
    }
  }
}

/** The owner reads the log: what became of a message whose sender had stopped waiting. */
function logSettled(log: Log, { id, state, to }: Extract<Notice, { kind: 'settled' }>): void {
  log.info('Message settled', { id, state, to: to.instanceId })
}
