import { safe } from '../protocol/index.ts'

/** `https://…`, and whatever else names a scheme and a place. */
const ADDRESS = /(?<=[a-z0-9+.-]):(?=[\\/]{2})/gi
/** Schemes that do something without slashes; `data: 5` is prose and stays. */
const ACTION = /(?<![a-z0-9])(javascript|vbscript|data|mailto|tel|sms|file|blob|magnet):(?=\S)/gi
/** What programs make a link of by its first letters alone. */
const BARE = /www\.(?=\S)/gi

/** Places inside marks of hosts, frames and models: `<<<`, `<|…|>`, `[INST]`, `<s>`. A space there makes prose of them. */
const INSIDE_MARKS =
  /(?<=<<)(?=<)|(?<=>>)(?=>)|(?<=<)(?=\|)|(?<=\|)(?=>)|(?<=\[)(?=\/?INST\])|(?<=<)(?=\/?(?:SYS>>|s>|start_of_turn>|end_of_turn>))/g
/** Brackets that the host puts before context of its own. */
const HOST_BRACKETS: Readonly<Record<string, string>> = { '⟦': '[', '⟧': ']' }

/** A peer's lines, fit to be read: nothing in them hides, reorders or moves a cursor. Line breaks and tabs stay. */
export function readableText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/[^\n\t]+/g, part => safe(part, Number.POSITIVE_INFINITY))
}

/**
 * A peer's lines as a model may read them: readable, with every address broken so that nothing follows it, and without the marks by which hosts and
 * models tell one speaker from another.
 */
export function inertText(text: string): string {
  return readableText(text)
    .replace(ADDRESS, '[:]')
    .replace(ACTION, '$1[:]')
    .replace(BARE, 'www[.]')
    .replace(/[⟦⟧]/g, bracket => HOST_BRACKETS[bracket] ?? '')
    .replace(INSIDE_MARKS, ' ')
}
