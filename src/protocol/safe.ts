/** One line of a log, a table or a status. */
const MAX_CHARS = 80

/**
 * What must not reach a terminal, a log or a model from a peer: control, format (bidi included), surrogate, private and unassigned code
 * points, line separators, and everything that shows nothing. Marks after one of these go with it, or they would sit on the escape.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]\p{M}*/gu

/** Normalising grows a text by a factor of 4 at most, so this many characters always fill the cut, and no peer's length costs time. */
const INPUT_FACTOR = 4

/**
 * A peer's string on one line, fit to be logged, printed or shown: NFC, unsafe code points as `\uXXXX`, at most `maxChars` code points with
 * `…` at the end where something was cut. Safe text comes back as it is.
 */
export function safe(text: string, maxChars: number = MAX_CHARS): string {
  const head = text.slice(0, maxChars * INPUT_FACTOR)
  const chars = [...head.normalize('NFC').replace(UNSAFE, escapeAll)]
  if (chars.length <= maxChars && head.length === text.length) return chars.join('')
  return `${chars.slice(0, maxChars - 1).join('')}…`
}

function escapeAll(run: string): string {
  return Array.from(run, char => escapeOne(char.codePointAt(0) ?? 0)).join('')
}

function escapeOne(code: number): string {
  const hex = code.toString(16)
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`
}
