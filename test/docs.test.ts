import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const REQUIREMENTS = 'docs/requirements.md'
const DOCUMENTS = [
  'README.md',
  'AGENTS.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'TESTING_NAT.md',
  'docs/configuration.md',
  'docs/protocol.md',
  'docs/relay.md',
  'docs/upgrade.md',
  REQUIREMENTS
]

/** How many ids of each kind are asked for. */
const IDS = { 'S1.': 78, 'S2.': 62, 'S3.': 43, 'S-': 34, 'R-': 23, 'D-': 36 }

/** `[words](target)`, without addresses on the web and places inside the same document. */
const LINK = /\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g

/** A test file or a folder of them, as documents name it. */
const TEST_PATH = /`(test\/[\w./-]+)`/g

/** A test file and the titles that are quoted after it, with at most a few words in between. */
const CITATION = /`(test\/[\w./-]+\.ts)` ("[^"]+"(?:(?:, | and )"[^"]+")*)/g
const QUOTED = /"([^"]+)"/g

/** What a call of it, test or describe begins with; after `.each(...)` and the like the title follows a closing bracket. */
const TITLE = /(?:\b(?:it|test|describe)|[)\]])\(\s*(['"`])((?:\\.|(?!\1).)*)\1/g

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

function matches(text: string, pattern: RegExp, group = 1): string[] {
  return [...text.matchAll(pattern)].map(match => match[group] ?? '')
}

function titlesOf(file: string): Set<string> {
  return new Set(matches(read(file), TITLE, 2).map(title => title.replace(/\\(['"`])/g, '$1')))
}

/** First cells of all rows of all tables. */
function idsIn(text: string): string[] {
  return matches(text, /^\| ((?:S\d\.|[SRD]-)\d+) \|/gm)
}

function expectedIds(): string[] {
  return Object.entries(IDS).flatMap(([kind, count]) => {
    const width = kind === 'S-' || kind === 'R-' ? 2 : 1
    return Array.from({ length: count }, (_, index) => kind + `${index + 1}`.padStart(width, '0'))
  })
}

describe.each(DOCUMENTS)('%s', document => {
  const text = read(document)

  it('links to files that exist', () => {
    const broken = matches(text, LINK).filter(target => !existsSync(join(ROOT, dirname(document), target)))
    expect(broken).toEqual([])
  })

  it('names tests that exist', () => {
    expect(matches(text, TEST_PATH).filter(path => !existsSync(join(ROOT, path)))).toEqual([])
  })
})

describe(REQUIREMENTS, () => {
  const text = read(REQUIREMENTS)

  it('has every item once, in order', () => {
    expect(idsIn(text)).toEqual(expectedIds())
  })

  it('says of each item how it stands', () => {
    const rows = text.split('\n').filter(line => idsIn(line).length > 0)
    expect(rows.filter(row => !/^\|[^|]+\|[^|]+\| (?:Yes|Partly|Later)\b[^|]+\|$/.test(row))).toEqual([])
  })

  it('quotes titles as they stand in the test files', () => {
    const citations = [...text.matchAll(CITATION)]
    // Without citations nothing would be checked.
    expect(citations.length).toBeGreaterThan(100)
    const wrong = citations.flatMap(([, file = '', quotations = '']) => {
      const titles = titlesOf(file)
      return matches(quotations, QUOTED)
        .filter(title => !titles.has(title))
        .map(title => `${file}: ${title}`)
    })
    expect(wrong).toEqual([])
  })

  it('names a test, a command or another row for what it calls done', () => {
    const shown = /`test\/|`npm |`LICENSE`|\.md\)|\b(?:S\d\.|[SRD]-)\d+/
    const done = matches(text, /^\|[^|]+\|[^|]+\| (Yes\b[^|]+)\|$/gm)
    expect(done.length).toBeGreaterThan(0)
    expect(done.filter(cell => !shown.test(cell))).toEqual([])
  })
})
