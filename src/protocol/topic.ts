import { ProtocolError } from './errors.ts'
import { TOPIC_MAX_CHARS } from './limits.ts'

const TOPIC = /^[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}._:/-]*$/u

/**
 * A topic name in its canonical writing: NFC, 1 to 64 code points, letters and digits with `-`, `_`, `.`, `:` and `/` after the first.
 *
 * @throws {ProtocolError} `topic_malformed`
 */
export function parseTopic(text: string): string {
  if (text.length > 4 * TOPIC_MAX_CHARS) throw malformed()
  const topic = text.trim().normalize('NFC')
  if (!TOPIC.test(topic) || [...topic].length > TOPIC_MAX_CHARS) throw malformed()
  return topic
}

/** True for a topic name that is already in its canonical writing, as it must be on the wire. */
export function isTopic(text: string): boolean {
  return (
    text.length <= 2 * TOPIC_MAX_CHARS &&
    TOPIC.test(text) &&
    [...text].length <= TOPIC_MAX_CHARS &&
    text === text.normalize('NFC')
  )
}

function malformed(): ProtocolError {
  return new ProtocolError(
    'topic_malformed',
    `a topic has 1 to ${TOPIC_MAX_CHARS} letters, digits and "-_.:/", a letter or digit first`
  )
}
