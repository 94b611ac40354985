import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { check, holds } from './checker.ts'
import { type Entry, Journal, parseText, readJournal, textOf, UNKNOWN_OUTCOME } from './journal.ts'

const lane = { from: 'alpha', to: 'beta', conversation: 1 }
const asked = (number: number): Entry => ({ what: 'asked', ...lane, number })
const accepted = (number: number): Entry => ({ what: 'accepted', id: `id-${number}`, ...lane, number })
const refused = (number: number): Entry => ({ what: 'refused', ...lane, number })
const shown = (number: number, again = false): Entry => ({ what: 'shown', again, ...lane, number })
const ended = (number: number): Entry => ({ what: 'ended', how: 'expired', ...lane, number })

/** Every text asked for and accepted, and then this. */
const acceptedThen = (count: number, ...rest: Entry[]): Entry[] => [
  ...Array.from({ length: count }, (_, number) => [asked(number), accepted(number)]).flat(),
  ...rest
]

const good = { lost: 0, duplicated: 0, outOfOrder: 0, unknown: 0, forged: 0, problems: [] }

describe('the checker', () => {
  it('finds nothing where everything accepted was shown once and in order', () => {
    const verdict = check(acceptedThen(3, shown(0), shown(1), shown(2)))
    expect(verdict).toEqual({ ...good, accepted: 3 })
    expect(holds(verdict)).toBe(true)
  })

  it('counts what was accepted and never shown as lost', () => {
    const verdict = check(acceptedThen(3, shown(0), shown(2)))
    expect(verdict).toEqual({ ...good, accepted: 3, lost: 1, problems: ['lost: alpha beta 1 1'] })
    expect(holds(verdict)).toBe(false)
  })

  it('takes the word of a receiver that went on over a gap, for what is before that and nothing else', () => {
    const passed = (number: number): Entry => ({ what: 'passed', ...lane, number })
    expect(holds(check(acceptedThen(3, passed(1), shown(1), shown(0), shown(2))))).toBe(true)
    expect(check(acceptedThen(3, passed(0), shown(0), shown(2), shown(1)))).toMatchObject({ outOfOrder: 1 })
    expect(check(acceptedThen(3, passed(1), shown(1), shown(0), shown(0)))).toMatchObject({ duplicated: 1 })
  })

  it('takes the word of a sender that was told the end', () => {
    expect(check(acceptedThen(2, shown(0), ended(1)))).toEqual({ ...good, accepted: 2 })
    const hidden: Entry = { what: 'ended', how: UNKNOWN_OUTCOME, ...lane, number: 0 }
    expect(check(acceptedThen(1, hidden))).toEqual({ ...good, accepted: 1, unknown: 1 })
  })

  it('counts a second display that does not say so, and a third one whatever it says', () => {
    const silent = check(acceptedThen(1, shown(0), shown(0)))
    expect(silent).toMatchObject({ duplicated: 1, unknown: 0 })
    expect(holds(silent)).toBe(false)
    const marked = check(acceptedThen(1, shown(0), shown(0, true)))
    expect(marked).toMatchObject({ duplicated: 0, unknown: 1 })
    expect(holds(marked)).toBe(true)
    expect(check(acceptedThen(1, shown(0), shown(0, true), shown(0, true)))).toMatchObject({
      duplicated: 1,
      unknown: 1
    })
    // Nothing was shown before: the mark only says that it may have been.
    expect(check(acceptedThen(1, shown(0, true)))).toEqual({ ...good, accepted: 1 })
  })

  it('counts a first display after a later one of its lane, and no repetition', () => {
    const verdict = check(acceptedThen(3, shown(1), shown(0), shown(2), shown(1, true)))
    expect(verdict).toMatchObject({ outOfOrder: 1, duplicated: 0, unknown: 1 })
    expect(holds(verdict)).toBe(false)
    const other: Entry[] = [
      { what: 'asked', ...lane, conversation: 2, number: 0 },
      { what: 'shown', again: false, ...lane, conversation: 2, number: 0 }
    ]
    // Lanes do not wait for each other.
    expect(check(acceptedThen(1, shown(0), ...other))).toMatchObject({ outOfOrder: 0 })
  })

  it('leaves open what became of a call without an answer', () => {
    expect(check([asked(0), shown(0)])).toEqual({ ...good, unknown: 1, accepted: 0 })
    expect(check([asked(0)])).toEqual({ ...good, unknown: 1, accepted: 0 })
  })

  it('counts what nobody wrote, what was refused, and what may not be heard as forged', () => {
    for (const entries of [[shown(0)], [asked(0), refused(0), shown(0)], [{ what: 'forged' as const, text: 'x' }]]) {
      const verdict = check(entries)
      expect(verdict).toMatchObject({ forged: 1 })
      expect(holds(verdict)).toBe(false)
    }
    expect(check([asked(0), refused(0)])).toEqual({ ...good, accepted: 0 })
  })
})

describe('a journal', () => {
  it('is appended to, and reads as it was written', () => {
    const folder = mkdtempSync(join(tmpdir(), 'journal-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'journal')
    for (const number of [0, 1]) {
      using journal = new Journal(path)
      journal.write(asked(number))
      journal.write(accepted(number))
    }
    expect(readJournal(path)).toEqual(acceptedThen(2))
  })

  it('knows its texts again', () => {
    const text = { ...lane, number: 7 }
    expect(parseText(textOf(text))).toEqual(text)
    expect(parseText('hello')).toBeUndefined()
  })
})
