import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/** A conversation of one sender with one receiver: what is accepted in it is shown in its order. */
export interface Lane {
  from: string
  to: string
  conversation: number
}

/** One text: its number grows by one with each that is asked for in its lane. */
export interface Text extends Lane {
  number: number
}

/** How a text ends whose display was cut off twice. */
export const UNKNOWN_OUTCOME = 'unknown_outcome'

/** What somebody outside the tested processes saw, as soon as they saw it. */
export type Entry =
  /** The call to send it begins. */
  | ({ what: 'asked' } & Text)
  /** Its id came back: from here on it is promised. */
  | ({ what: 'accepted'; id: string } & Text)
  /** A clear refusal came back: nothing of it may ever be seen. */
  | ({ what: 'refused' } & Text)
  /** Its sender was told for good that it does not arrive, or that nobody knows. */
  | ({ what: 'ended'; how: string } & Text)
  /** `again`: the display says that it may have shown it before. */
  | ({ what: 'shown'; again: boolean } & Text)
  /** Its receiver waited half a minute for what is missing before it, and goes on with it, as the protocol says: what comes late may come after it. */
  | ({ what: 'passed' } & Text)
  /** A text was shown that nobody wrote, or whose sender may not be heard. */
  | { what: 'forged'; text: string }

/** An append-only file of entries. What was written is there whatever happens to who is tested. */
export class Journal implements Disposable {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600)
  }

  write(entry: Entry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`)
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }
}

export function readJournal(path: string): Entry[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map(line => JSON.parse(line) as Entry)
}

export function textOf({ from, to, conversation, number }: Text): string {
  return `chaos ${from} ${to} ${conversation} ${number}`
}

export function parseText(text: string): Text | undefined {
  const [word, from, to, conversation, number, more] = text.split(' ')
  if (word !== 'chaos' || from === undefined || to === undefined || more !== undefined) return undefined
  return { from, to, conversation: Number(conversation), number: Number(number) }
}

/** What the wire calls a conversation. */
export function conversationId(conversation: number): string {
  return conversation.toString(16).padStart(32, '0')
}
