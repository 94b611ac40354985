import { expect } from 'vitest'

const OPEN = /^<<<MESH_MESSAGE ([0-9a-f-]{36})>>>$/

export interface Framed {
  /** Lines of ours above the mark. */
  head: string[]
  /** Lines of the peer, without the quote before them. */
  lines: string[]
}

/** Takes a framed text apart, and holds it to what every frame must be. */
export function framed(text: string): Framed {
  const all = text.split('\n')
  const open = all.findIndex(line => OPEN.test(line))
  const mark = OPEN.exec(all[open] ?? '')?.[1]
  expect(mark).toBeDefined()
  expect(all.at(-1)).toBe(`<<<END_MESH_MESSAGE ${mark}>>>`)
  const lines = all.slice(open + 1, -1)
  expect(lines.filter(line => !line.startsWith('> '))).toEqual([])
  expect(text.split(mark ?? '')).toHaveLength(3)
  return { head: all.slice(0, open), lines: lines.map(line => line.slice(2)) }
}

/** What hides, reorders, or moves a cursor; a tab may stand. */
const UNREADABLE = /(?!\t)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
const ADDRESS = /[a-z]:[\\/]{2}|\b(?:javascript|vbscript|data|mailto|file|magnet):\S|www\.\S/i
const MARK = /<<<|>>>|<\||\|>|[⟦⟧]|\[\/?INST\]|<<?\/?SYS>>|<\/?s>|<(?:start|end)_of_turn>/

/** Nothing in these lines acts on a terminal, a model or whoever follows addresses. */
export function expectInert(lines: readonly string[]): void {
  for (const acts of [UNREADABLE, ADDRESS, MARK]) expect(lines.filter(line => acts.test(line))).toEqual([])
}
