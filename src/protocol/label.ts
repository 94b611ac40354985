import { ProtocolError } from './errors.ts'
import { LABEL_MAX_CHARS } from './limits.ts'

/**
 * Scripts that may be read together without one letter passing for another: one script each, or the scripts that Chinese, Japanese and
 * Korean write side by side (Unicode TR 39, section 5.2). A label is written in one row of this table.
 */
const WRITING_SYSTEMS: readonly RegExp[] = [
  ['Latin'],
  ['Cyrillic'],
  ['Greek'],
  ['Han', 'Hiragana', 'Katakana'],
  ['Han', 'Bopomofo'],
  ['Han', 'Hangul'],
  ...[
    'Arabic',
    'Armenian',
    'Bengali',
    'Devanagari',
    'Ethiopic',
    'Georgian',
    'Gujarati',
    'Gurmukhi',
    'Hebrew',
    'Kannada',
    'Khmer',
    'Lao',
    'Malayalam',
    'Myanmar',
    'Oriya',
    'Sinhala',
    'Tamil',
    'Telugu',
    'Thaana',
    'Thai',
    'Tibetan'
  ].map(script => [script])
].map(writtenIn)

/** Letters and digits, then more of them with marks of the script, `-`, `_`, `.` or one space between. */
const SHAPE = /^[\p{L}\p{Nd}](?:[\p{L}\p{M}\p{Nd}._-]| (?! |$))*$/u

/** Longer input is refused before it is normalised, which may take time. */
const INPUT_MAX_CHARS = 8 * LABEL_MAX_CHARS

/** Marks count by their own script: those of all scripts pile up on a letter (`z̸͜a`). ASCII digits and signs belong to every script. */
function writtenIn(scripts: string[]): RegExp {
  const letters = scripts.map(script => `\\p{scx=${script}}`).join('')
  const marks = scripts.map(script => `\\p{sc=${script}}`).join('')
  return new RegExp(`^(?:[ 0-9._-]|(?=[\\p{L}\\p{Nd}])[${letters}]|(?=\\p{M})[${marks}])+$`, 'u')
}

/**
 * The canonical writing of a label: NFKC, 1 to 32 code points, letters and digits of one writing system with `-`, `_`, `.` and single
 * spaces inside, a letter or digit first. It is decoration and never decides who somebody is.
 *
 * @throws {ProtocolError} `label_malformed`
 */
export function parseLabel(text: string): string {
  if (text.length > INPUT_MAX_CHARS) throw malformed(`a label has ${LABEL_MAX_CHARS} characters at most`)
  const label = text.normalize('NFKC').trim()
  if (label === '') throw malformed('a label is not empty')
  if ([...label].length > LABEL_MAX_CHARS) throw malformed(`a label has ${LABEL_MAX_CHARS} characters at most`)
  if (!SHAPE.test(label))
    throw malformed('a label has letters, digits, "-", "_", "." and single spaces, a letter or digit first')
  if (!WRITING_SYSTEMS.some(system => system.test(label))) throw malformed('a label is written in one script')
  return label
}

/**
 * The label that a peer gives itself, or an empty text where it is none by our reading: peers may know a later Unicode than we do, and
 * decoration is no reason to refuse what stands beside it.
 */
export function peerLabel(text: string): string {
  try {
    return parseLabel(text)
  } catch (error) {
    if (error instanceof ProtocolError) return ''
    throw error
  }
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('label_malformed', message)
}
