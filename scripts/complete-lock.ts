import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export interface LockEntry {
  version?: string
  integrity?: string
  resolved?: string
  inBundle?: boolean
  dev?: boolean
  optional?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

export interface Lock {
  packages: Record<string, LockEntry>
}

const OS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const CPU = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64']
const LIBC: Record<string, string> = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' }

/**
 * Adds the builds for other platforms that the registry at hand does not carry: npm leaves them out of the lock file, and then `npm ci`
 * refuses that very lock file. They come without a checksum, for nobody here could read them. Returns the paths that were added.
 */
export function complete(lock: Lock): string[] {
  const added: string[] = []
  for (const [parent, { optionalDependencies = {}, inBundle }] of Object.entries(lock.packages)) {
    if (inBundle === true) continue
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (isLocked(lock, parent, name)) continue
      const path = `node_modules/${name}`
      lock.packages[path] = { version, dev: true, optional: true, ...platformOf(name) }
      added.push(path)
    }
  }
  const [root, ...rest] = Object.entries(lock.packages)
  if (root !== undefined)
    lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => a.localeCompare(b, 'en'))])
  return added
}

/** Node looks for a package in every `node_modules` from the parent upwards. */
function isLocked(lock: Lock, parent: string, name: string): boolean {
  for (
    let folder = parent;
    folder !== '';
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))
  ) {
    if (lock.packages[`${folder}/node_modules/${name}`] !== undefined) return true
  }
  return lock.packages[`node_modules/${name}`] !== undefined
}

function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> {
  const words = name.slice(name.indexOf('/') + 1).split('-')
  const os = words.find(word => OS.includes(word))
  const cpu = words.find(word => CPU.includes(word))
  if (os === undefined || cpu === undefined) throw new Error(`${name} is not locked, and its name tells no platform`)
  const libc = words.map(word => LIBC[word]).find(word => word !== undefined)
  return { os: [os], cpu: [cpu], ...(os === 'linux' && libc !== undefined ? { libc: [libc] } : {}) }
}

if (import.meta.main) {
  const file = fileURLToPath(new URL('../package-lock.json', import.meta.url))
  const lock = JSON.parse(await readFile(file, 'utf8')) as Lock
  const added = complete(lock)
  await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`package-lock.json: ${added.length} builds for other platforms added`)
}
