import { exchangeExample, identityExample, merkleExample, topicExample } from './protocol-document/examples.ts'
import { KEEPING, LINK, limitFiles, limitTable, type Sources, WIRE } from './protocol-document/limits.ts'
import { outboxTable } from './protocol-document/states.ts'
import { errorTable, reasonTable } from './protocol-document/words.ts'

const PROTO = 'src/protocol/mesh.proto'
const VECTORS = 'test/vectors'

/** Everything that a region is made of. */
const SOURCES = [
  PROTO,
  ...limitFiles(),
  ...['keys', 'groups', 'broadcasts', 'exchange'].map(name => `${VECTORS}/${name}.json`)
]

type Region = (source: (file: string) => string, sources: Sources) => string

/** Region name -> its text. Each stands in the document between two comments that name it. */
const REGIONS: Readonly<Record<string, Region>> = {
  identity: source => identityExample(source(`${VECTORS}/keys.json`)),
  merkle: source => merkleExample(source(`${VECTORS}/groups.json`)),
  topic: source => topicExample(source(`${VECTORS}/broadcasts.json`)),
  outbox: () => outboxTable(),
  'limits-wire': (_, sources) => limitTable(WIRE, sources),
  'limits-link': (_, sources) => limitTable(LINK, sources),
  'limits-keeping': (_, sources) => limitTable(KEEPING, sources),
  reasons: () => reasonTable(),
  errors: () => errorTable(),
  exchange: source => exchangeExample(source(`${VECTORS}/exchange.json`), source(PROTO)),
  proto: source => `\`\`\`proto\n${source(PROTO).trimEnd()}\n\`\`\``
}

/** docs/protocol.md with each generated region made anew; everything else is left as it is written. */
export async function protocolDocument(document: string, read: (file: string) => Promise<string>): Promise<string> {
  const sources = Object.fromEntries(await Promise.all(SOURCES.map(async file => [file, await read(file)] as const)))
  const source = (file: string): string => sources[file] ?? ''
  return Object.entries(REGIONS).reduce((text, [name, region]) => filled(text, name, region(source, sources)), document)
}

function filled(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- begin generated: ${name} -->`, `<!-- end generated: ${name} -->`]
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)]
  if (start < 0 || stop < start) throw new Error(`docs/protocol.md has no region "${name}"`)
  return `${text.slice(0, start)}${begin}\n${content}\n${text.slice(stop)}`
}
