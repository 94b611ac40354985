import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { complete, type Lock, type LockEntry } from './complete-lock.ts'

interface Floor {
  version: string
  why: string
  /** Nothing of ours needs it yet: only a version that is there is judged. */
  optional?: true
}

/** Below these, a known hole is open or the parts do not fit together: the floor is a security control, not a taste. */
const FLOORS: Record<string, Floor> = {
  '@libp2p/gossipsub': {
    version: '16.0.5',
    why: 'binds the key to the author, limits control messages and subscription floods'
  },
  '@libp2p/interface': { version: '3.3.0', why: 'streams are events: version 2 modules load and then deliver nothing' },
  '@libp2p/kad-dht': {
    version: '16.4.0',
    why: 'older ones take a record for another key than was asked',
    optional: true
  },
  libp2p: { version: '3.3.11', why: 'the version that the package is tested with' },
  node: { version: '24.16.0', why: 'what the host itself demands' },
  openclaw: { version: '2026.9.6', why: 'the oldest host that we say we run on' }
}

/** The same parts under their old names, or parts that are not safe. */
const REPLACED: Record<string, string> = {
  '@chainsafe/libp2p-gossipsub': 'continued as @libp2p/gossipsub',
  '@chainsafe/libp2p-noise': 'continued as @libp2p/noise',
  '@chainsafe/libp2p-yamux': 'continued as @libp2p/yamux',
  '@libp2p/mplex': 'it has no flow control: one stream can fill the memory'
}

/** A second copy of one of these means two worlds in one bundle that do not know each other's types, symbols and events. */
export const SINGLE = ['@libp2p/interface', '@libp2p/crypto', '@libp2p/peer-id', '@multiformats/multiaddr', 'zod']

/** What is wrong with the locked dependencies, in sentences. Empty: nothing. */
export function problemsOf(lock: Lock, dependencies: Record<string, string>): string[] {
  const problems: string[] = []
  for (const [name, { version, why, optional = false }] of Object.entries(FLOORS)) {
    const copies = copiesOf(lock, name)
    if (copies.length === 0 && !optional) problems.push(`${name} is not installed`)
    for (const [path, found] of copies) {
      if (isBelow(found, version)) problems.push(`${path} is ${found}, below ${version}: ${why}`)
    }
  }
  for (const [name, why] of Object.entries(REPLACED)) {
    for (const [path] of ours(copiesOf(lock, name))) problems.push(`${path} must not be used: ${why}`)
  }
  for (const name of SINGLE) {
    const copies = ours(copiesOf(lock, name))
    if (copies.length > 1)
      problems.push(`${copies.length} copies of ${name}: ${copies.map(copy => copy.join(' ')).join(', ')}`)
  }
  for (const [name, range] of Object.entries(dependencies)) {
    if (!/^\d/.test(range)) problems.push(`${name}: "${range}" is not one exact version`)
  }
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path !== '' && entry.integrity === undefined && entry.inBundle !== true && !isPlatformBuild(entry))
      problems.push(`${path} has no integrity in the lock file`)
    // The lock pins bytes by their checksum; where they come from is for each machine's own configuration to say.
    if (entry.resolved !== undefined) problems.push(`${path} is bound to one address: ${entry.resolved}`)
  }
  for (const path of complete(structuredClone(lock))) problems.push(`${path} is not locked: run \`npm run lock\``)
  return problems
}

/** A build of a development tool for one platform: see complete-lock.ts. */
function isPlatformBuild({ dev, optional, os }: LockEntry): boolean {
  return dev === true && optional === true && os !== undefined
}

function copiesOf(lock: Lock, name: string): Array<[path: string, version: string]> {
  return Object.entries(lock.packages)
    .filter(([path]) => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`))
    .map(([path, { version }]) => [path, version ?? '0.0.0'])
}

/** The host brings copies of its own below its folder: they are never in our bundle. */
function ours(copies: Array<[path: string, version: string]>): Array<[path: string, version: string]> {
  return copies.filter(([path]) => !path.startsWith('node_modules/openclaw/'))
}

function isBelow(version: string, floor: string): boolean {
  return version.localeCompare(floor, 'en', { numeric: true }) < 0
}

if (import.meta.main) {
  const root = new URL('..', import.meta.url)
  const [lock, manifest] = await Promise.all(
    ['package-lock.json', 'package.json'].map(async file =>
      JSON.parse(await readFile(fileURLToPath(new URL(file, root)), 'utf8'))
    )
  )
  const problems = problemsOf(lock, { ...manifest.dependencies, ...manifest.devDependencies })
  for (const problem of problems) console.error(problem)
  console.log(`versions: ${problems.length === 0 ? 'in order' : `${problems.length} problems`}`)
  process.exitCode = problems.length === 0 ? 0 : 1
}
