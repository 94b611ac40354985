import { homedir } from 'node:os'
import { join } from 'node:path'
import type { HostConfig } from './host-types.ts'

/** Where the host keeps plugins and reads which ones to load. */
export interface CopyPlaces {
  stateDir: string
  config: HostConfig
}

/** The predecessors by package name, each with the name that the host makes of it: of the folder below `npm/projects`, and of its mark. */
const PACKAGES: Readonly<Record<string, string>> = {
  'libp2p-mesh': 'libp2p-mesh',
  '@openclaw/libp2p-mesh': 'openclaw-libp2p-mesh-8b1db46d37'
}

/** Year and month of the first release of this package: it continues the name and the numbers of the last predecessor. */
const FIRST_RELEASE = 2026.11

/** Below the folder that has `node_modules`: a mark for each package that the host has replaced. It loads none of them, and removes them itself. */
const REPLACED_FOLDER = '.openclaw-retained-npm-installs'

interface Place {
  path: string
  /** Where the host would mark what lies there as replaced. */
  mark?: string
  /** The command that removes what lies there. */
  remedy: string
}

/**
 * A sentence for each copy of a predecessor beside this plugin. OpenClaw runs one plugin of an id, so that two never run at once; but which one
 * it takes hangs on where they lie, and it does not always say that there are two. Reads a dozen small files at most, and never rejects.
 */
export async function otherCopyIssues(places: CopyPlaces): Promise<string[]> {
  const issues = await Promise.all(placesOf(places).map(issueAt))
  return issues.filter(issue => issue !== undefined)
}

async function issueAt({ path, mark, remedy }: Place): Promise<string | undefined> {
  const found = await packageAt(path)
  if (found === undefined || !isPredecessor(found)) return undefined
  if (mark !== undefined && (await readJson(mark)) !== undefined) return undefined
  return `The predecessor of this plugin, ${found.name} ${found.version}, lies in ${path}, and OpenClaw runs only one plugin of the id libp2p-mesh; remove it: ${remedy}`
}

function placesOf({ stateDir, config }: CopyPlaces): Place[] {
  const workspace = config.agents?.defaults?.workspace
  const loadPaths = config.plugins?.load?.paths ?? []
  const folders: Omit<Place, 'remedy'>[] = [
    { path: join(stateDir, 'extensions', 'libp2p-mesh') },
    ...(workspace === undefined ? [] : [{ path: join(fromHome(workspace), '.openclaw', 'extensions', 'libp2p-mesh') }]),
    ...Object.entries(PACKAGES).flatMap(([name, hostName]) =>
      [join(stateDir, 'extensions'), join(stateDir, 'npm'), join(stateDir, 'npm', 'projects', hostName)].map(root => ({
        path: join(root, 'node_modules', name),
        mark: join(root, REPLACED_FOLDER, `${hostName}.json`)
      }))
    )
  ]
  return [
    ...folders.map(folder => ({ ...folder, remedy: `rm -r ${quoted(folder.path)}` })),
    ...loadPaths.map(loadPath => ({
      path: fromHome(loadPath),
      remedy: `openclaw config set plugins.load.paths ${quoted(JSON.stringify(loadPaths.filter(other => other !== loadPath)))}`
    }))
  ]
}

async function packageAt(path: string): Promise<{ name: string; version: string } | undefined> {
  const { name, version } = Object(await readJson(join(path, 'package.json'))) as { name?: unknown; version?: unknown }
  return typeof name === 'string' && typeof version === 'string' ? { name, version } : undefined
}

/** Undefined where there is nothing, and for what cannot be read: the host could not read it either. */
async function readJson(path: string): Promise<unknown> {
  // Not loaded before it is needed: setup and lists evaluate this file too.
  const { readJsonFileWithFallback } = await import('openclaw/plugin-sdk/json-store')
  try {
    return (await readJsonFileWithFallback<unknown>(path, undefined)).value
  } catch {
    return undefined
  }
}

function isPredecessor({ name, version }: { name: string; version: string }): boolean {
  if (!Object.hasOwn(PACKAGES, name)) return false
  const [, year, month = ''] = /^(\d{4})\.(\d{1,2})\./.exec(version) ?? []
  return name !== 'libp2p-mesh' || (year !== undefined && Number(`${year}.${month.padStart(2, '0')}`) < FIRST_RELEASE)
}

function fromHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
