import { ProtocolError, parseLabel } from '../protocol/index.ts'
import { ADJECTIVES, NOUNS } from './label-words.ts'
import type { Log, Store } from './ports.ts'

/** Where the store keeps the label that was made here. */
const KEY = 'label'

/**
 * What this instance calls itself: the name in the settings, else two random words, made once. Never the user's or the machine's name (S-29).
 * A name that is no label is reported and not used.
 */
export function ownLabel(name: string | undefined, { store, log }: { store: Store; log: Log }): string {
  const given = name === undefined ? undefined : readable(name)
  if (given !== undefined) return given
  if (name !== undefined) log.warn('The name in the settings is no label; a made-up one is used.')
  const stored = store.value(KEY)
  if (stored !== undefined) return stored
  const made = `${wordOf(ADJECTIVES)}-${wordOf(NOUNS)}`
  store.setValue(KEY, made)
  return made
}

function readable(name: string): string | undefined {
  try {
    return parseLabel(name)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function wordOf(words: string[]): string {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1))
  return words[random % words.length] ?? ''
}
