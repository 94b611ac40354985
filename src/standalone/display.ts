import type { DispatchOutcome, Display, Inbound } from '../mesh/ports.ts'
import type { JsonLines, NodeEvent } from './json-lines.ts'

/** Shows inbound texts as JSON lines: the line that was taken by the operating system is the delivery. */
export function createDisplay({ lines }: { lines: JsonLines }): Display {
  return {
    async show(inbound, options): Promise<DispatchOutcome> {
      const written = await lines.write(messageEvent(inbound), options)
      return written ? { outcome: 'done' } : { outcome: 'retry', detail: 'standard output is closed' }
    }
  }
}

export function messageEvent({ id, from, conversation, inReplyTo, text, mayRepeat }: Inbound): NodeEvent {
  return {
    event: 'message',
    id,
    fromPeerId: from.peer,
    fromInstanceId: from.instanceId,
    conversation,
    inReplyTo: inReplyTo ?? null,
    text,
    mayRepeat
  }
}
