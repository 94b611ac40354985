/** Widest line that commands print: half a wide terminal, and what most windows show. */
export const LINE_MAX_COLUMNS = 100

const GAP = '  '

/** What a column that gives way keeps as long as another one can: enough of a text to find it again by. */
const YIELDING_MIN_COLUMNS = 20

/** East Asian wide characters and emoji take two columns of a terminal. */
const WIDE =
  /[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u
const COMBINING = /\p{M}/u

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

/** The text, cut with an ellipsis where it is wider than `columns`. */
export function fit(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let kept = ''
  let width = 0
  for (const character of text) {
    width += widthOf(character)
    if (width > columns - 1) break
    kept += character
  }
  return `${kept}…`
}

function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)))
}

/**
 * Rows under a heading, each column as wide as its widest cell. Where a line would be too long the columns in `yields` give way, one after the other, the
 * last of them as far as it takes.
 */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  { yields = [0] }: { yields?: readonly number[] } = {}
): string[] {
  const all = [heading, ...rows]
  const widths = heading.map((_, column) => Math.max(...all.map(row => widthOf(row[column] ?? ''))))
  let over = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - LINE_MAX_COLUMNS
  for (const [index, column] of yields.entries()) {
    const width = widths[column] ?? 0
    const least = Math.min(width, index === yields.length - 1 ? 1 : YIELDING_MIN_COLUMNS)
    widths[column] = Math.max(least, width - Math.max(0, over))
    over -= width - (widths[column] ?? 0)
  }
  return all.map(row =>
    row
      .map((cell, column) => pad(fit(cell, widths[column] ?? 0), widths[column] ?? 0))
      .join(GAP)
      .trimEnd()
  )
}

/** `name  value` lines with the values aligned; a long value goes on in the next line, cut where `breaks` allows it. */
export function fields(
  entries: readonly (readonly [name: string, value: string])[],
  breaks = /(?<=[\s,])|(?=\/)/,
  columns = LINE_MAX_COLUMNS
): string[] {
  const indent = Math.max(0, ...entries.map(([name]) => widthOf(name)))
  const room = columns - indent - GAP.length
  return entries.flatMap(([name, value]) =>
    wrap(value, room, breaks).map((line, index) => `${pad(index === 0 ? name : '', indent)}${GAP}${line}`.trimEnd())
  )
}

function wrap(text: string, columns: number, breaks: RegExp): string[] {
  const lines: string[] = []
  let line = ''
  for (const piece of text.split(breaks)) {
    if (line !== '' && widthOf(line) + widthOf(piece.trimEnd()) > columns) {
      lines.push(line)
      line = ''
    }
    line += piece
  }
  return [...lines, line].map(part => fit(part.trimEnd(), columns))
}
