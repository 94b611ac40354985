/** Where a command's words go: standard output has its result and nothing else, standard error everything for people. */
export interface Output {
  /** The result, once: `value` as JSON, or the lines of text. */
  result(value: unknown, text: () => readonly string[]): void
  /** A line of a result that comes bit by bit, before `result`, which says all of it as JSON. */
  line(text: string): void
  /** One sentence beside the result. */
  note(sentence: string): void
}

export interface OutputInit {
  json: boolean
  stdout(text: string): void
  stderr(text: string): void
}

export function createOutput({ json, stdout, stderr }: OutputInit): Output {
  return {
    result: (value, text) => stdout(json ? jsonLine(value) : `${text().join('\n')}\n`),
    line: text => {
      if (!json) stdout(`${text}\n`)
    },
    note: sentence => stderr(`${sentence}\n`)
  }
}

/** Characters that a terminal may obey or that reorder text. JSON itself only escapes those below U+0020 and lone surrogates. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/** One JSON document on one line. What a peer wrote stays whole, but no character of it reaches a terminal as a command. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(UNPRINTABLE, escapeUnits)}\n`
}

function escapeUnits(character: string): string {
  let escaped = ''
  for (let at = 0; at < character.length; at += 1) {
    escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`
  }
  return escaped
}
