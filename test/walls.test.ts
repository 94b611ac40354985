import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** One statement per line: `allowed` must pass the linter, `forbidden` must not. */
interface Plant {
  allowed: string[]
  forbidden: string[]
}

const HOST_FORBIDDEN = [
  "import '../node/links.ts'",
  "import '../store/database.ts'",
  "import type { Links } from '../node/links.ts'",
  "import { Mesh } from '../mesh/mesh.ts'",
  "import { type A, Mesh } from '../mesh/mesh.ts'",
  "export * from '../mesh/mesh.ts'",
  "await import('../mesh/mesh.ts')",
  "import '../bin.ts'",
  "import { createLibp2p } from 'libp2p'",
  "import { DatabaseSync } from 'node:sqlite'"
]

const ANSWERS: Plant = {
  allowed: [
    "import '../control/client.ts'",
    "import '../settings/schema.ts'",
    "import '../protocol/index.ts'",
    "import 'node:util'"
  ],
  forbidden: [
    "import type { Mesh } from '../mesh/mesh.ts'",
    "import '../engine/index.ts'",
    "import '../node/links.ts'",
    "import '../store/database.ts'",
    "import '../openclaw/account.ts'",
    "import '../standalone/host.ts'",
    "import 'openclaw/plugin-sdk/channel-core'",
    "import 'node:fs'"
  ]
}

const PLANTS: Record<string, Plant> = {
  'src/protocol/plant.ts': {
    allowed: ["import './limits.ts'", "import 'zod'", "import 'protons-runtime'", "import 'multiformats/bases/base32'"],
    forbidden: [
      "import '../mesh/errors.ts'",
      "import type { Clock } from '../mesh/ports.ts'",
      "let a: import('../mesh/ports.ts').Clock",
      "import 'node:crypto'",
      "import 'libp2p'",
      "import '@libp2p/crypto'",
      "import 'openclaw/plugin-sdk/channel-core'",
      'Date.now()'
    ]
  },
  'src/mesh/plant.ts': {
    allowed: ["import './ports.ts'", "import '../protocol/index.ts'", "import 'uint8arrays/concat'"],
    forbidden: [
      "import '../node/links.ts'",
      "import '../store/outbox.ts'",
      "import '../settings/schema.ts'",
      "import type { Client } from '../control/client.ts'",
      "import 'libp2p'",
      "import 'openclaw/plugin-sdk/channel-core'",
      "import 'node:fs/promises'",
      "import 'node:sqlite'",
      'Date.now()',
      "console.log('')"
    ]
  },
  'src/node/plant.ts': {
    allowed: [
      "import 'libp2p'",
      "import '@libp2p/tcp'",
      "import '@multiformats/multiaddr'",
      "import '../protocol/index.ts'",
      "import { MeshError } from '../mesh/errors.ts'",
      "import type { Network } from '../mesh/ports.ts'",
      "import 'node:net'"
    ],
    forbidden: [
      "import { Network } from '../mesh/ports.ts'",
      "import type { Outbox } from '../mesh/outbox.ts'",
      "let a: import('../mesh/outbox.ts').Outbox",
      "import '../store/database.ts'",
      "import '../engine/index.ts'",
      "import 'openclaw/plugin-sdk/channel-core'",
      "import 'node:fs'",
      "import 'node:sqlite'"
    ]
  },
  'src/store/plant.ts': {
    allowed: [
      "import 'node:sqlite'",
      "import 'node:fs/promises'",
      "import '../protocol/index.ts'",
      "import { MeshError } from '../mesh/errors.ts'",
      "import type { Store } from '../mesh/ports.ts'"
    ],
    forbidden: [
      "import { Store } from '../mesh/ports.ts'",
      "import '../mesh/outbox.ts'",
      "import '../node/links.ts'",
      "import '../openclaw/account.ts'",
      "import 'libp2p'",
      "import '@libp2p/interface'"
    ]
  },
  'src/settings/plant.ts': {
    allowed: ["import * as z from 'zod'", "import '../protocol/index.ts'"],
    forbidden: [
      "import { z } from 'zod'",
      "import '../mesh/errors.ts'",
      "import '../control/client.ts'",
      "import 'node:os'",
      "import 'libp2p'"
    ]
  },
  'src/control/plant.ts': {
    allowed: [
      "import 'zod'",
      "import 'node:net'",
      "import '../protocol/index.ts'",
      "import type { Mesh } from '../mesh/mesh.ts'",
      "import { MeshError } from '../mesh/errors.ts'"
    ],
    forbidden: [
      "import { Mesh } from '../mesh/mesh.ts'",
      "import '../mesh/mesh.ts'",
      "export { Mesh } from '../mesh/mesh.ts'",
      "import '../node/links.ts'",
      "import '../store/database.ts'",
      "import '../openclaw/account.ts'",
      "import 'node:fs'"
    ]
  },
  'src/commands/plant.ts': { ...ANSWERS, allowed: [...ANSWERS.allowed, "console.log('')"] },
  'src/page/plant.ts': { ...ANSWERS, forbidden: [...ANSWERS.forbidden, "console.log('')"] },
  'src/doors/plant.ts': ANSWERS,
  'src/engine/plant.ts': {
    allowed: [
      "import '../mesh/mesh.ts'",
      "import '../node/assemble.ts'",
      "import '../store/database.ts'",
      "import '../settings/schema.ts'",
      "import '../control/server.ts'",
      "import 'node:worker_threads'",
      'Date.now()'
    ],
    forbidden: [
      "import '../openclaw/account.ts'",
      "import '../standalone/host.ts'",
      "import '../commands/send.ts'",
      "import 'openclaw/plugin-sdk/channel-core'",
      "import 'libp2p'",
      "import 'node:fs'",
      "import 'node:sqlite'"
    ]
  },
  'src/openclaw/plant.ts': {
    allowed: [
      "import 'openclaw/plugin-sdk/channel-core'",
      "import '../control/client.ts'",
      "import '../settings/schema.ts'",
      "import type { Engine } from '../engine/index.ts'",
      "import type { Agent } from '../mesh/ports.ts'",
      "import { MeshError } from '../mesh/errors.ts'",
      "import './tools/send.ts'",
      'Date.now()'
    ],
    forbidden: [...HOST_FORBIDDEN, "import { startEngine } from '../engine/index.ts'", "import '../standalone/host.ts'"]
  },
  'src/openclaw/tools/plant.ts': {
    allowed: [
      "import '../account.ts'",
      "import '../../control/client.ts'",
      "import type { Agent } from '../../mesh/ports.ts'"
    ],
    forbidden: [
      "import '../../node/links.ts'",
      "import '../../store/database.ts'",
      "import { Mesh } from '../../mesh/mesh.ts'",
      "import { startEngine } from '../../engine/index.ts'",
      "import '../../index.ts'"
    ]
  },
  'src/standalone/plant.ts': {
    allowed: ["import { startEngine } from '../engine/index.ts'", "import '../commands/send.ts'", "console.log('')"],
    forbidden: [...HOST_FORBIDDEN, "import '../openclaw/account.ts'", "import 'openclaw/plugin-sdk/channel-core'"]
  },
  'src/index.ts': {
    allowed: ["import './openclaw/entry.ts'"],
    forbidden: [
      "import './engine/index.ts'",
      "import './standalone/host.ts'",
      "import 'openclaw/plugin-sdk/channel-core'"
    ]
  },
  'src/setup-entry.ts': {
    allowed: ["import './openclaw/setup.ts'"],
    forbidden: ["import './engine/index.ts'", "import 'libp2p'"]
  },
  'src/bin.ts': {
    allowed: ["import './standalone/host.ts'", "import './commands/main.ts'"],
    forbidden: ["import './openclaw/account.ts'", "import './engine/index.ts'", "import './node/links.ts'"]
  }
}

const WALL_RULES = [
  'lint/style/noRestrictedImports',
  'lint/style/noRestrictedGlobals',
  'lint/style/noExcessiveLinesPerFile',
  'lint/suspicious/noConsole',
  'lint/suspicious/noImportCycles',
  'plugin'
]

/** The hard cap of a file. */
const LINES_MAX = 400

describe('the walls between the rooms', () => {
  let dir: string
  /** `file:line` of everything that the linter refused. */
  let refused: Set<string>

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'libp2p-mesh-walls-'))
    await cp(join(ROOT, 'biome.json'), join(dir, 'biome.json'))
    await cp(join(ROOT, 'scripts/lint'), join(dir, 'scripts/lint'), { recursive: true })
    for (const [file, { allowed, forbidden }] of Object.entries(PLANTS)) {
      await mkdir(dirname(join(dir, file)), { recursive: true })
      await writeFile(join(dir, file), [...allowed, ...forbidden].join('\n'))
    }
    await writeFile(
      join(dir, 'src/mesh/first.ts'),
      "import { second } from './second.ts'\nexport const first = second\n"
    )
    await writeFile(
      join(dir, 'src/mesh/second.ts'),
      "import { first } from './first.ts'\nexport const second = first\n"
    )
    await writeFile(join(dir, 'src/mesh/full.ts'), 'full()\n'.repeat(LINES_MAX))
    await writeFile(join(dir, 'src/mesh/overfull.ts'), 'full()\n'.repeat(LINES_MAX + 1))
    refused = await lint(dir)
  })

  afterAll(async () => {
    await rm(dir, { recursive: true, force: true })
  })

  for (const [file, { allowed, forbidden }] of Object.entries(PLANTS)) {
    describe(file, () => {
      for (const [index, statement] of allowed.entries()) {
        it(`allows ${statement}`, () => expect(refused.has(`${file}:${index + 1}`)).toBe(false))
      }
      for (const [index, statement] of forbidden.entries()) {
        it(`refuses ${statement}`, () => expect(refused.has(`${file}:${allowed.length + index + 1}`)).toBe(true))
      }
    })
  }

  it('refuse two files that import each other', () => {
    expect([...refused]).toEqual(expect.arrayContaining(['src/mesh/first.ts:1', 'src/mesh/second.ts:1']))
  })

  it(`refuse a file of more than ${LINES_MAX} lines`, () => {
    const files = [...refused].map(place => place.split(':')[0])
    expect(files).not.toContain('src/mesh/full.ts')
    expect(files).toContain('src/mesh/overfull.ts')
  })

  it('stand around every room', async () => {
    const entries = await readdir(join(ROOT, 'src'), { withFileTypes: true })
    const rooms = entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
    const walled = Object.keys(PLANTS).map(file => file.split('/')[1])
    expect(rooms.filter(room => !walled.includes(room))).toEqual([])
  })
})

async function lint(dir: string): Promise<Set<string>> {
  const biome = join(ROOT, 'node_modules/@biomejs/biome/bin/biome')
  const args = [biome, 'lint', '--reporter=github', '--max-diagnostics=none', '.']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: dir }).catch(
    (error: { stdout: string }) => error
  )
  const lines = stdout.matchAll(/^::error title=([^,]+),file=([^,]+),line=(\d+)/gm)
  const refused = new Set<string>()
  for (const [, rule = '', file = '', line] of lines) {
    if (WALL_RULES.includes(rule)) refused.add(`${file.slice(file.indexOf('src/'))}:${line}`)
  }
  return refused
}
