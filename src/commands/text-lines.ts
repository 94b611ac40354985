import { safe, TEXT_MAX_BYTES } from '../protocol/index.ts'

/** A text of a peer or for one, whole, with its line breaks and tabs as the only layout that it brings. */
export function textLines(text: string): string[] {
  return text.split(/\r?\n/).map(line => safe(line.replaceAll('\t', '    '), TEXT_MAX_BYTES))
}
