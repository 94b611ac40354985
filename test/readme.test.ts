import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Issues } from '../src/node/issues.ts'
import { parsePeerList } from '../src/node/peer-list.ts'
import { parseSettings, pendingSettings } from '../src/settings/index.ts'
import { type ConfigBlock, configBlocks, PLACEHOLDERS, readmeBlock } from './config-blocks.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

const README = read('README.md')
const MANIFEST = JSON.parse(read('openclaw.plugin.json')) as { configSchema: Parameters<typeof z.fromJSONSchema>[0] }
const { version } = JSON.parse(read('package.json')) as { version: string }

/** Every document in which somebody may find a block to copy. */
const BLOCKS = ['README.md', 'docs/configuration.md', 'docs/upgrade.md'].flatMap(configBlocks)
const NAMED = BLOCKS.map((block): [string, ConfigBlock] => [`${block.document}, ${block.heading}`, block])

/** Words with which the readme says that a setting is for later. */
const LATER = /`(\w+)` has no effect in this release/g

const FENCE = /^```sh\n(.*?)^```$/gms
const commands = [...README.matchAll(FENCE)].map(([, text]) => text).join('')

describe('the readme', () => {
  it('leads from what it is to the inside', () => {
    expect([...README.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual([
      'See it work',
      'Install',
      'Five minutes to the first message',
      'Examples',
      'Settings',
      'What a peer can make your agent do',
      'When something does not work',
      'What it promises',
      'Without OpenClaw',
      'Map of the rooms',
      'Packages',
      'Licence'
    ])
  })

  it('S1.13, S1.14, S1.15: installs by name, by packed file, by staged folder and by hand, with commands of today', () => {
    expect(commands).toContain('openclaw plugins install libp2p-mesh --force --accept-capabilities\n')
    expect(commands).toContain(
      `openclaw plugins install npm-pack:./libp2p-mesh-${version}.tgz --force --accept-capabilities\n`
    )
    expect(commands).toContain('openclaw plugins install --link ./stage --force --accept-capabilities\n')
    expect(commands).toContain('cd ~/.openclaw/npm && npm install libp2p-mesh\nopenclaw plugins registry --refresh\n')
    expect(commands).not.toMatch(/^openclaw install/m)
  })

  it('refers only to npm scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...README.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter(name => !(name in scripts))).toEqual([])
  })

  it('links to headings that it has', () => {
    const anchors = [...README.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-')
    )
    const linked = [...README.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor)
    expect(linked.length).toBeGreaterThan(0)
    expect(linked.filter(anchor => !anchors.includes(anchor ?? ''))).toEqual([])
  })
})

describe('the examples of the readme', () => {
  const relay = `/ip4/203.0.113.10/tcp/4001/p2p/${PLACEHOLDERS['12D3KooW...']}`

  it.each<[string, string, Record<string, unknown>]>([
    ['S1.20', 'Two computers on one network', { discovery: 'mdns' }],
    ['S1.21', 'A fixed port', { discovery: 'mdns', listenAddrs: ['/ip4/0.0.0.0/tcp/4001'] }],
    ['S1.22', 'Computers on different networks', { discovery: 'bootstrap', bootstrapList: [relay] }],
    ['S1.23', 'Behind a router, with a relay', { discovery: 'bootstrap', bootstrapList: [relay], relayList: [relay] }],
    [
      'S1.24',
      'A relay of your own, on a public server',
      {
        discovery: 'bootstrap',
        listenAddrs: ['/ip4/0.0.0.0/tcp/4001'],
        announceAddrs: ['/ip4/203.0.113.10/tcp/4001'],
        enableCircuitRelayServer: true
      }
    ],
    [
      'S1.25',
      'Messages shown in Feishu',
      {
        discovery: 'mdns',
        inboundChannel: 'feishu',
        inboundTarget: `user:${PLACEHOLDERS.ou_xxx}`,
        deliveryAckTimeoutMs: 15_000
      }
    ],
    [
      'S1.26',
      'One network on which mDNS does not work',
      {
        discovery: 'bootstrap',
        bootstrapList: [relay.replace('203.0.113.10', '192.168.1.42')]
      }
    ]
  ])('%s, %s: the block has all that is asked for and nothing else', (_, heading, settings) => {
    expect(readmeBlock(heading).config).toEqual({ channels: { 'libp2p-mesh': { enabled: true, ...settings } } })
  })

  it('are no more than these, and each name what has no effect yet, and nothing else', () => {
    const blocks = configBlocks('README.md')
    expect(blocks).toHaveLength(7)
    for (const { heading, prose, settings } of blocks) {
      const pending = settings.flatMap(({ block }) => pendingSettings(block)).map(words => words.split(' ')[0])
      const said = [...prose.matchAll(LATER)].map(([, key]) => key)
      expect({ heading, said }).toEqual({ heading, said: pending })
    }
  })
})

describe.each(NAMED)('the block of %s', (_, { text, settings }) => {
  it('holds settings of ours that are accepted (D-22)', () => {
    expect(settings).not.toEqual([])
    const schema = z.fromJSONSchema(MANIFEST.configSchema)
    for (const { path, block } of settings) {
      const read = parseSettings(block, path)
      expect(read).toMatchObject(block)
      expect(schema.parse(block)).toEqual(block)
      const issues = new Issues()
      // The address of a document leads nowhere by definition; whoever follows the example puts a public one there.
      const list = [...read.bootstrapList, ...read.relayList].map(entry => entry.replace('203.0.113.10', '9.9.9.9'))
      parsePeerList(list, { issues }, { setting: 'bootstrapList', self: '' })
      expect(issues.list()).toEqual([])
    }
  })

  it('has no placeholder that a reader would not recognise', () => {
    const rest = Object.keys(PLACEHOLDERS).reduce((left, placeholder) => left.replaceAll(placeholder, ''), text)
    expect(rest).not.toMatch(/\.\.\.|…|<[A-Z]|xxx/)
  })
})

describe('a block that is wrong', () => {
  it('would be refused by both checks', () => {
    const schema = z.fromJSONSchema(MANIFEST.configSchema)
    for (const block of [{ discovery: 'kad' }, { bootstrapList: ['/ip4/203.0.113.10/tcp/4001/p2p/12D3KooW...'] }]) {
      expect(schema.safeParse(block).success).toBe(false)
      expect(() => parseSettings(block, 'channels.libp2p-mesh')).toThrow(/channels\.libp2p-mesh/)
    }
  })
})
