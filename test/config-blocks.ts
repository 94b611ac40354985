import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ID = 'libp2p-mesh'

/** A peer id of nobody. */
const PEER_ID = '12D3KooWGqaYQjJcTFsjty1aP9zgwtbHhMF13h6rykJ2ocDz1pWL'

/** What a reader has to replace in a block, with something that could stand there. Nothing else may need replacing. */
export const PLACEHOLDERS: Readonly<Record<string, string>> = {
  '12D3KooW...': PEER_ID,
  '<PEER-ID>': PEER_ID,
  '<PEER-ID-OF-OTHER-MACHINE>': PEER_ID,
  '<RELAY-PEER-ID>': PEER_ID,
  '<RELAY-IP>': '203.0.113.10',
  '<PUBLIC-IP>': '203.0.113.10',
  ou_xxx: 'ou_7d8a6e6df7621556ce0d21922b676706',
  oc_xxx: 'oc_820faa21d7ed275b53d1727a0feaa917'
}

type Json = Record<string, unknown>

/** A block of OpenClaw's configuration in a document. */
export interface ConfigBlock {
  document: string
  /** The heading above it. */
  heading: string
  /** Everything between that heading and the next one, without the blocks. */
  prose: string
  /** As it stands there. */
  text: string
  /** The whole configuration, with the placeholders replaced. */
  config: Json
  /** Settings of ours in it, with the path at which they stand. */
  settings: { path: string; block: Json }[]
}

const HEADING = /^(#{1,6}) (.+)$/
const FENCE = /^```(\w*)$/

/** Every block of a document that is fenced as `json` or `json5` and configures channels or plugins. None when there is no such document. */
export function configBlocks(document: string): ConfigBlock[] {
  const path = join(ROOT, document)
  if (!existsSync(path)) return []
  return sections(readFileSync(path, 'utf8')).flatMap(({ heading, prose, fences }) =>
    fences
      .filter(({ language }) => language === 'json' || language === 'json5')
      .map(({ text }) => ({ text, config: evaluate(filled(text)) }))
      .filter(({ config }) => 'channels' in config || 'plugins' in config)
      .map(({ text, config }) => ({ document, heading, prose, text, config, settings: settingsIn(config) }))
  )
}

/** The one block of the readme below this heading. */
export function readmeBlock(heading: string): ConfigBlock {
  const [block, ...more] = configBlocks('README.md').filter(candidate => candidate.heading === heading)
  if (block === undefined || more.length > 0) throw new Error(`README.md has not one block below "${heading}"`)
  return block
}

function filled(text: string): string {
  return Object.entries(PLACEHOLDERS).reduce((result, [name, value]) => result.replaceAll(name, value), text)
}

/** JSON5 is a subset of the language of this file. */
function evaluate(text: string): Json {
  return JSON.parse(runInNewContext(`JSON.stringify((${text}\n))`) as string) as Json
}

function settingsIn(config: Json): ConfigBlock['settings'] {
  const paths = [
    ['channels', ID],
    ['plugins', 'entries', ID, 'config'],
    // Of releases before this one: what stood there is moved, so it has to be accepted too.
    ['plugins', ID, 'config']
  ]
  return paths.flatMap(path => {
    const block = path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), config)
    return isObject(block) ? [{ path: path.join('.'), block }] : []
  })
}

interface Section {
  heading: string
  prose: string
  fences: { language: string; text: string }[]
}

function sections(text: string): Section[] {
  const found: Section[] = [{ heading: '', prose: '', fences: [] }]
  let fence: { language: string; text: string } | undefined
  for (const line of text.split('\n')) {
    const section = found.at(-1) as Section
    if (fence !== undefined) {
      if (line === '```') fence = undefined
      else fence.text += `${line}\n`
      continue
    }
    const [, language] = FENCE.exec(line) ?? []
    const [, , heading] = HEADING.exec(line) ?? []
    if (language !== undefined) {
      fence = { language, text: '' }
      section.fences.push(fence)
    } else if (heading !== undefined) found.push({ heading, prose: '', fences: [] })
    else section.prose += `${line}\n`
  }
  return found
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
