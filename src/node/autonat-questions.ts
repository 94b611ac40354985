import type { Connection } from '@libp2p/interface'
import { withDeadline } from './deadline.ts'

/** One question with the dials that it causes. libp2p itself waits for ever for who does not answer, and for three at once. */
export const ANSWER_MS = 30_000

/** What the client needs of a connection. A question that is not answered in time is given up, also by who does not even agree on the protocol. */
export function boundedQuestions(connection: Connection): Connection {
  const newStream: Connection['newStream'] = async (protocols, options) => {
    const stream = await withDeadline(
      ANSWER_MS,
      async signal => await connection.newStream(protocols, { ...options, signal }),
      options
    )
    const timer = setTimeout(() => stream.abort(new Error('no answer')), ANSWER_MS).unref()
    stream.addEventListener('close', () => clearTimeout(timer), { once: true })
    return stream
  }
  return Object.create(connection, {
    remotePeer: { value: connection.remotePeer },
    remoteAddr: { value: connection.remoteAddr },
    newStream: { value: newStream }
  })
}
