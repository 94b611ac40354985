import { type Entry, type Text, UNKNOWN_OUTCOME } from './journal.ts'

/** What the journals of a run say about its promises. */
export interface Verdict {
  /** Texts whose id came back. */
  accepted: number
  /** Accepted, and neither shown nor ended for good. */
  lost: number
  /** Displays too many: a second one that does not say so, or a third. */
  duplicated: number
  /** Shown for the first time after a later one of their lane, whose receiver had not said that it goes on without what is missing. */
  outOfOrder: number
  /** What a crash hid: texts whose call ended without an answer, that were shown a second time and said so, or of which their sender was told this. */
  unknown: number
  /** Shown, although nobody wrote them, their sender was refused, or it may not be heard. */
  forged: number
  /** The first of what is wrong, for people. */
  problems: string[]
}

const PROBLEMS_MAX = 20

interface Seen {
  asked: number
  accepted: boolean
  refused: boolean
  ended: boolean
  hidden: boolean
  shown: number
  again: number
}

/** Reads a journal in the order in which it was written. Texts may be many: one pass, and a few numbers for each. */
export function check(entries: Iterable<Entry>): Verdict {
  const verdict: Verdict = { accepted: 0, lost: 0, duplicated: 0, outOfOrder: 0, unknown: 0, forged: 0, problems: [] }
  const texts = new Map<string, Seen>()
  /** Per lane the highest number shown so far. */
  const highest = new Map<string, number>()
  /** Per lane the highest number with which its receiver went on over a gap. */
  const passed = new Map<string, number>()
  const problem = (kind: 'lost' | 'duplicated' | 'outOfOrder' | 'forged', what: string): void => {
    verdict[kind]++
    if (verdict.problems.length < PROBLEMS_MAX) verdict.problems.push(`${kind}: ${what}`)
  }
  for (const entry of entries) {
    if (entry.what === 'forged') {
      problem('forged', entry.text)
      continue
    }
    if (entry.what === 'passed') {
      passed.set(laneOf(entry), Math.max(passed.get(laneOf(entry)) ?? -1, entry.number))
      continue
    }
    const key = keyOf(entry)
    let seen = texts.get(key)
    if (seen === undefined) {
      seen = { asked: 0, accepted: false, refused: false, ended: false, hidden: false, shown: 0, again: 0 }
      texts.set(key, seen)
    }
    if (entry.what === 'asked') seen.asked++
    else if (entry.what === 'accepted') seen.accepted = true
    else if (entry.what === 'refused') seen.refused = true
    else if (entry.what === 'ended') {
      seen.ended = true
      seen.hidden = entry.how === UNKNOWN_OUTCOME
    } else {
      if (seen.asked === 0) problem('forged', `nobody asked for ${key}`)
      if (seen.refused) problem('forged', `${key} was refused`)
      const lane = laneOf(entry)
      const before = highest.get(lane) ?? -1
      if (seen.shown > 0) {
        if (entry.again && seen.again === 0) seen.again++
        else problem('duplicated', key)
      } else if (entry.number < before && entry.number > (passed.get(lane) ?? -1))
        problem('outOfOrder', `${key} after ${before}`)
      highest.set(lane, Math.max(before, entry.number))
      seen.shown++
    }
  }
  for (const [key, seen] of texts) {
    if (seen.accepted) verdict.accepted++
    if (seen.accepted && seen.shown === 0 && !seen.ended) problem('lost', key)
    if ((seen.asked > 0 && !seen.accepted && !seen.refused) || seen.again > 0 || seen.hidden) verdict.unknown++
  }
  return verdict
}

/** Whether a run kept its promises. */
export function holds({ lost, duplicated, outOfOrder, forged }: Verdict): boolean {
  return lost + duplicated + outOfOrder + forged === 0
}

function keyOf(text: Text): string {
  return `${laneOf(text)} ${text.number}`
}

function laneOf({ from, to, conversation }: Text): string {
  return `${from} ${to} ${conversation}`
}
