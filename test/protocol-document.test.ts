import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { receiptOf } from '../src/mesh/inbox-row.ts'
import type { InboxRow, InboxState, OutboxRow, OutboxState } from '../src/mesh/ports.ts'
import * as ids from '../src/node/protocols.ts'
import {
  type Body,
  type Content,
  ENVELOPE_KINDS,
  type EnvelopeKind,
  encodeContent,
  encodeRouteRecord,
  ProtocolError,
  peerIdOf,
  REASONS,
  RECEIPT_LEVELS,
  RECEIPT_REFUSALS
} from '../src/protocol/index.ts'
import * as limits from '../src/protocol/limits.ts'
import { PAIR_KINDS } from '../src/protocol/pair-body.ts'
import { advanced } from '../src/store/levels.ts'
import { contentOf, DAY_MS, otter, TIME_MS } from './vectors/members.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FILE = 'docs/protocol.md'

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const document = read(FILE)
/** Without code, in which `#` is no heading. */
const prose = document.replaceAll(/^```.*?^```$/gms, '')

interface Section {
  number: string
  title: string
  text: string
}

/** Numbered headings with the text up to the next heading of any level. */
const sections: Section[] = [
  ...document.matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? ([^\n]*)\n(.*?)(?=^#{1,3} |$(?![\s\S]))/gms)
].map(([, number = '', title = '', text = '']) => ({ number, title, text }))

function section(number: string): string {
  const found = sections.find(one => one.number === number)
  if (found === undefined) throw new Error(`there is no section ${number}`)
  return found.text
}

/** Cells of every row whose first cell looks like this. */
function rows(text: string, first: RegExp): string[][] {
  return text
    .split('\n')
    .filter(line => line.startsWith('| '))
    .map(line =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map(cell => cell.trim())
    )
    .filter(([cell = '']) => first.test(cell))
}

const bare = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '')
const CODE = /^`\w+`$/

describe(FILE, () => {
  it('has the sections that it names, in order, and links to places and files that exist', () => {
    const tops = sections.filter(({ number }) => !number.includes('.')).map(({ number }) => number)
    expect(tops).toEqual(Array.from({ length: 18 }, (_, i) => `${i + 1}`))
    const named = [...prose.matchAll(/\bsections? (\d+(?:\.\d+)?)/g)].map(([, number]) => number)
    const columns = rows(document, CODE).map(cells => /^(\d+(?:\.\d+)?); `src\//.exec(cells[3] ?? '')?.[1])
    const known = new Set(sections.map(({ number }) => number))
    expect([...named, ...columns].filter(number => number !== undefined && !known.has(number))).toEqual([])
    expect(columns.filter(number => number !== undefined).length).toBeGreaterThan(90)

    const places = new Set([...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => placeOf(heading)))
    const links = [...prose.matchAll(/\]\((#?)([^)#]+)\)/g)]
    expect(links.length).toBeGreaterThan(40)
    const broken = links.filter(([, place, target = '']) =>
      place === '#' ? !places.has(target) : !existsSync(join(ROOT, dirname(FILE), target))
    )
    expect(broken.map(([link]) => link)).toEqual([])
    const paths = [...document.matchAll(/`((?:src|test)\/[\w./-]+\.\w+)`/g)].map(([, path = '']) => path)
    expect(paths.filter(path => !existsSync(join(ROOT, path)))).toEqual([])
  })

  it('names every protocol id, service and prefix of the source', () => {
    for (const id of Object.values(ids)) expect(document).toContain(`\`${id}\``)
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(name =>
      /\.(ts|proto)$/.test(name)
    )
    const prefixes = sources.flatMap(name => read(join('src', name)).match(/libp2p-mesh\/1\/\w+/g) ?? [])
    expect(prefixes.length).toBeGreaterThan(3)
    for (const prefix of prefixes) expect(section('16')).toContain(`\`${prefix}\``)
  })

  it('describes each message with the fields of mesh.proto', () => {
    const proto = read('src/protocol/mesh.proto')
    const tables: [message: string, number: string][] = [
      ['Frame', '3.3'],
      ['Hello', '4'],
      ['Envelope', '5.1'],
      ['Receipt', '7.1'],
      ['RouteRecord', '10']
    ]
    for (const [message, number] of tables) expect(fieldsIn(section(number)), message).toEqual(fieldsOf(proto, message))
    expect(fieldsIn(section('5.3'))).toEqual(
      [...fieldsOf(proto, 'Signed'), ...fieldsOf(proto, 'Trace')]
        .filter(field => field !== '14 trace')
        .toSpliced(13, 0, '14 trace')
    )
    expect(document).toContain(proto.trimEnd())
  })

  it('says every limit with its value, in the table and in its section', () => {
    const table = new Map(rows(section('14.1'), CODE).map(cells => [bare(cells[0]), cells]))
    for (const [name, value] of Object.entries(limits)) {
      expect(table.get(name)?.[1]?.split(' ')[0]?.replaceAll(',', ''), name).toBe(`${value}`)
    }
    const unsaid = [...rows(document, /^`[A-Z]\w+(?:\.\w+)?`$/)].filter(cells => {
      const [, value = '', , where = ''] = cells
      const number = where.split(';')[0] ?? ''
      // The table itself is where these stand, says the section.
      if (number === '' || number === '2.4') return false
      return !wordsOf(value).some(words => section(number).includes(words))
    })
    expect(unsaid.map(([name, value, , where]) => `${name} ${value} ${where}`)).toEqual([])
  })

  it('lists the questions of the pair protocol with their numbers', () => {
    const listed = rows(section('11'), /^[a-z]+$/).map(([kind, number]) => [kind, Number(number)])
    expect(listed.filter(([, number]) => !Number.isNaN(number))).toEqual(Object.entries(PAIR_KINDS))
  })

  it('lists the kinds with what each may carry', () => {
    const table = rows(section('6.1'), /^\d+$/)
    expect(table.map(([number, kind]) => [bare(kind), Number(number)])).toEqual(Object.entries(ENVELOPE_KINDS))
    for (const [, kind, audience, bodies = '', replies] of table) {
      const name = bare(kind) as EnvelopeKind
      const taken = (Object.keys(BODIES) as Body['type'][]).filter(type => isTaken(name, bare(audience), type, false))
      expect(taken, name).toEqual(bodies.split(', '))
      const body = BODIES[taken[0] ?? 'none'].type
      expect(isTaken(name, bare(audience), body, true), name).toBe(replies === 'yes')
      expect(isTaken(name, bare(audience) === 'to' ? 'topic' : 'to', body, false), name).toBe(false)
    }
  })

  it('lists levels, reasons and errors as the source does', () => {
    const levels = { ...RECEIPT_LEVELS, ...RECEIPT_REFUSALS }
    expect(rows(section('7.1'), /^\d+$/).map(([number, level]) => [bare(level), Number(number)])).toEqual(
      Object.entries(levels)
    )
    expect(rows(section('15.1'), /^\d+$/).map(([number, reason]) => [bare(reason), Number(number)])).toEqual(
      Object.entries(REASONS)
    )
    const union = /type ProtocolErrorCode =(.*?)\n\n/s.exec(read('src/protocol/errors.ts'))?.[1] ?? ''
    const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code)
    expect(rows(section('15.2'), CODE).map(([code]) => bare(code))).toEqual(codes)
    expect(codes.length).toBeGreaterThan(10)
  })

  it('draws the states of the sender as the store runs them', () => {
    const states: OutboxState[] = ['queued', 'received', 'delivered', 'answered', 'rejected', 'expired']
    const moves = states.flatMap(from =>
      states.filter(to => advanced({ state: from } as OutboxRow, to) !== undefined).map(to => `${from} > ${to}`)
    )
    expect(arrows(section('9.1')).toSorted()).toEqual(moves.toSorted())
    for (const [state, ...cells] of rows(section('9.1'), CODE)) {
      const from = bare(state)
      const reached = cells.map(bare).filter(to => to !== '-')
      expect(new Set(reached), from).toEqual(
        new Set(moves.filter(move => move.startsWith(`${from} >`)).map(move => move.split(' ')[2]))
      )
    }
  })

  it('draws the states of the receiver and the receipt of each', () => {
    const states: Record<InboxState, true> = {
      received: true,
      dispatching: true,
      adopted: true,
      replied: true,
      done: true,
      unknown: true,
      rejected: true
    }
    const drawn = new Set(arrows(section('9.3')).flatMap(arrow => arrow.split(' > ')))
    expect([...drawn].toSorted()).toEqual(Object.keys(states).toSorted())
    const told = rows(section('9.3'), CODE).filter(cells => cells.length === 2)
    expect(told.map(([state]) => bare(state)).toSorted()).toEqual(Object.keys(states).toSorted())
    for (const [state, receipt] of told) {
      const row = { id: '', hash: new Uint8Array(0), state: bare(state) } as InboxRow
      expect(receiptOf(row).outcome, state).toBe(bare(receipt))
    }
    // What the table of events leads to is drawn, and the other way round.
    const events = rows(section('9.3'), /^[a-z]/).filter(cells => cells.length === 4)
    const [head, ...body] = events
    const froms = (head ?? []).slice(1).map(bare)
    const moves = body.flatMap(cells =>
      froms.flatMap((from, i) =>
        (cells[i + 1]?.match(/`(\w+)`/g) ?? [])
          .map(bare)
          .filter(to => to in states)
          .map(to => `${from} > ${to}`)
      )
    )
    const extra = new Set(arrows(section('9.3')).filter(arrow => !moves.includes(arrow)))
    expect([...extra]).toEqual([])
  })

  it('draws the states of a link', () => {
    const union = /type LinkState = (.*)$/m.exec(read('src/node/link.ts'))?.[1] ?? ''
    const states = [...union.matchAll(/'(\w+)'/g)].map(([, state]) => state)
    const drawn = new Set(arrows(section('9.4')).flatMap(arrow => arrow.split(' > ')))
    expect(states.length).toBe(4)
    expect([...drawn].toSorted()).toEqual(states.toSorted())
  })

  it('shows the worked examples of the golden vectors, which the arithmetic confirms', () => {
    const [key] = JSON.parse(read('test/vectors/keys.json'))
    const shown = new Map([...section('1.3').matchAll(/^(\S.*?) {2,}(\S+)$/gm)].map(([, name, value]) => [name, value]))
    expect(shown.get('seed (RFC 8032 private key)')).toBe(key.seed)
    expect(shown.get('public key')).toBe(key.publicKey)
    expect(shown.get('peer id, its base58btc')).toBe(key.peerId)
    expect(shown.get('fingerprint, their base32')).toBe(key.fingerprint)
    expect(shown.get('instance id')).toBe(key.instanceId)
    const hash = createHash('sha256').update(Buffer.from(key.publicKey, 'hex')).digest('hex')
    expect(shown.get('SHA-256 of the public key')).toBe(hash)
    expect(shown.get('its first 15 bytes')).toBe(hash.slice(0, 30))

    const group = JSON.parse(read('test/vectors/groups.json'))[2]
    for (const { path } of group.envelopes) for (const sibling of path) expect(section('5.4')).toContain(sibling)
    for (const text of [group.root, group.sig]) expect(section('5.4')).toContain(text)
    const topic = 'libp2p-mesh/1/topic\0openclaw-mesh'
    expect(section('12.2')).toContain(createHash('sha256').update(topic).digest('hex').slice(0, 32))
  })

  it('describes every file of golden vectors', () => {
    const files = readdirSync(join(ROOT, 'test/vectors')).filter(name => name.endsWith('.json'))
    const table = rows(section('18.1'), /^`[\w-]+\.json`$/)
    expect(table.map(([file]) => bare(file)).toSorted()).toEqual(files.toSorted())
    for (const [file, entry = ''] of table) {
      const [first] = JSON.parse(read(`test/vectors/${bare(file)}`))
      const named = [...entry.matchAll(/`(\w+)`/g)].map(([, field]) => field)
      const fields = [...Object.keys(first), ...Object.keys(first.envelopes?.[0] ?? {})]
      expect(new Set(named), file).toEqual(new Set(fields))
    }
  })
})

/** How a value of the tables may stand in a sentence. */
function wordsOf(value: string): string[] {
  const [number = ''] = value.split(' ')
  const larger = /\((.*)\)/.exec(value)?.[1]
  const days = larger?.replace(/^(\d+) d$/, '$1 days')
  const hours = larger?.replace(/^(\d+) d$/, (_, count) => `${24 * Number(count)} h`)
  const small = [
    'zero',
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
    'seven',
    'eight',
    'nine',
    'ten',
    'eleven',
    'twelve'
  ]
  return [number, larger, days, hours, small[Number(number)]].filter(words => words !== undefined)
}

/** As GitHub makes the anchor of a heading. */
function placeOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

/** `number name` of each field of a table, also where one cell names several. */
function fieldsIn(text: string): string[] {
  return rows(text, /^\d+ `\w+`/).flatMap(([cell = '']) =>
    [...cell.matchAll(/(\d+) `(\w+)`/g)].map(([, number, name]) => `${number} ${name}`)
  )
}

function fieldsOf(proto: string, message: string): string[] {
  const body = new RegExp(`^message ${message} \\{\\n(.*?)^\\}`, 'ms').exec(proto)?.[1] ?? ''
  return [...body.matchAll(/^\s*(?:repeated )?\w+ (\w+) = (\d+)/gm)].map(([, name, number]) => `${number} ${name}`)
}

/** `from > to` of a state diagram, start and end left out, each once. */
function arrows(text: string): string[] {
  const diagram = /```mermaid\nstateDiagram-v2\n(.*?)```/s.exec(text)?.[1] ?? ''
  const all = [...diagram.matchAll(/^ {4}(\w+) --> (\w+) : \S/gm)].map(([, from, to]) => `${from} > ${to}`)
  return [...new Set(all)]
}

const BODIES: Record<Body['type'], Body> = {
  plain: {
    type: 'plain',
    bytes: encodeRouteRecord({
      peer: peerIdOf(otter.key.publicKey),
      seq: 1,
      addresses: [],
      issuedMs: TIME_MS,
      expiresMs: TIME_MS + DAY_MS,
      label: ''
    })
  },
  chunk: { type: 'chunk', index: 0, total: 1, data: Uint8Array.of(1) },
  sealed: { type: 'sealed', bytes: Uint8Array.of(1) },
  none: { type: 'none' }
}

/** Whether the rules of the wire let such a content pass. */
function isTaken(kind: EnvelopeKind, audience: string, body: Body['type'], replies: boolean): boolean {
  const { to, ...rest } = contentOf(1, '')
  const content: Content = {
    ...rest,
    kind,
    ...(audience === 'to' ? { to } : { topic: 'openclaw-mesh' }),
    ...(replies && { inReplyTo: 'aa'.repeat(16) }),
    body: BODIES[body]
  } as Content
  try {
    encodeContent(content)
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
