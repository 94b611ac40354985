import { existsSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { MeshError } from '../mesh/errors.ts'
import type { Log, RouteEntry, RouteStore } from '../mesh/ports.ts'
import { safe } from '../protocol/safe.ts'
import { writeAtomically } from './atomic-file.ts'
import { type PredecessorRoutes, readPredecessorRoutes } from './predecessor-routes.ts'
import { FILE_ADDRESSES_MAX, fits, routeFileSchema } from './route-schema.ts'

const FILE_NAME = 'instance-peer.json'

/** At most one write per this time, however many peers come and go. */
const SAVE_DELAY_MS = 5_000

/** Admitted instances only; the ones not seen for longest go first. */
const ENTRIES_MAX = 1_000

/** A file with every entry at its largest is smaller. */
const FILE_MAX_BYTES = 16 * 1024 * 1024

/** Longest reason in the log: it may quote the file. */
const REASON_MAX_CHARS = 200

/** Corrupt files kept for a look; the last name is used again after that. */
const CORRUPT_MAX = 10

/** Where the predecessor's file of this name goes. */
const PREDECESSOR_SUFFIX = '.predecessor'

export interface RoutesComponents {
  directory: string
  log: Log
}

/**
 * `instance-peer.json`: which peer id each admitted instance was met at, readable by people and other programs.
 *
 * A file that cannot be used is set aside as `instance-peer.json.corrupt-<n>`, reported, and the table starts empty:
 * routes are hints, and the trust list is elsewhere. The predecessor's file of the same name is set aside as
 * `instance-peer.json.predecessor` and read from there, at every start, for as long as it lies there.
 */
export class Routes implements RouteStore {
  readonly #path: string
  readonly #log: Log
  #pending: RouteEntry[] | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ directory, log }: RoutesComponents) {
    this.#path = join(directory, FILE_NAME)
    this.#log = log
  }

  load(): RouteEntry[] {
    if (this.#pending !== undefined) return structuredClone(newestOf(fittingOf(this.#pending)))
    const value = this.#read(this.#path)
    if (value === undefined) return []
    const file = routeFileSchema.safeParse(value)
    if (file.success) return Object.entries(file.data.instances).map(([instance, route]) => ({ instance, ...route }))
    const former = readPredecessorRoutes(value)
    if (former === undefined) this.#setAside(z.prettifyError(file.error))
    else this.#keepApart(former)
    return []
  }

  /** After `load`, which puts the predecessor's file where this reads it. */
  hints(): RouteEntry[] {
    const path = `${this.#path}${PREDECESSOR_SUFFIX}`
    const value = this.#read(path, reason =>
      this.#log.warn('the route file of the earlier version is unusable', { path, reason })
    )
    const { routes = [], dropped = 0 } = readPredecessorRoutes(value) ?? {}
    if (value !== undefined)
      this.#log.debug('read the route file of the earlier version', { count: routes.length, dropped })
    return routes
  }

  /** Written within SAVE_DELAY_MS, or by `flush`. What does not fit the file is left out then: saving costs nothing. */
  save(entries: RouteEntry[]): void {
    this.#pending = [...entries]
    this.#timer ??= setTimeout(() => this.#writeLate(), SAVE_DELAY_MS).unref()
  }

  /** Writes now what `save` left for later. Rejects with MeshError `store_failed`, and keeps it for the next try. */
  async flush(): Promise<void> {
    this.#write()
  }

  /** Flushes and leaves no timer behind, whatever becomes of the write. */
  async close(): Promise<void> {
    try {
      this.#write()
    } finally {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
  }

  #write(): void {
    if (this.#pending === undefined) return
    const fitting = fittingOf(this.#pending)
    const routes = newestOf(fitting)
    const instances = Object.fromEntries(routes.map(({ instance, ...route }) => [instance, route]))
    try {
      writeAtomically(this.#path, `${JSON.stringify({ version: 1, instances }, undefined, 2)}\n`)
    } catch (cause) {
      throw new MeshError('store_failed', { detail: `cannot write ${this.#path}`, retryable: true, cause })
    }
    const count = this.#pending.length - fitting.length
    if (count > 0) this.#log.warn('routes that do not fit their file were left out', { count })
    this.#pending = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** A failed write waits for the next save: a disk that stays full is not asked every five seconds for nothing. */
  #writeLate(): void {
    this.#timer = undefined
    try {
      this.#write()
    } catch (error) {
      this.#log.warn('routes were not saved', { error: String(error) })
    }
  }

  /** What a file says, undefined where there is none; one that is too large or no JSON is reported. */
  #read(path: string, report = (reason: string) => this.#setAside(reason)): unknown {
    try {
      const { size } = statSync(path)
      if (size > FILE_MAX_BYTES) throw new Error(`larger than ${FILE_MAX_BYTES} bytes`)
      return JSON.parse(readFileSync(path, 'utf8'))
    } catch (error) {
      if (!isMissing(error)) report(safe(String(error), REASON_MAX_CHARS))
      return undefined
    }
  }

  #keepApart({ routes, dropped }: PredecessorRoutes): void {
    const aside = `${this.#path}${PREDECESSOR_SUFFIX}`
    if (!this.#rename(aside)) return
    this.#log.info(
      'the route file of the earlier version is set aside; it tells where peers are, once they are approved',
      {
        path: this.#path,
        aside,
        count: routes.length,
        dropped
      }
    )
  }

  #setAside(reason: string): void {
    const numbers = Array.from({ length: CORRUPT_MAX }, (_, index) => index + 1)
    const number = numbers.find(n => !existsSync(`${this.#path}.corrupt-${n}`)) ?? CORRUPT_MAX
    const aside = `${this.#path}.corrupt-${number}`
    if (!this.#rename(aside)) return
    const said = safe(reason, REASON_MAX_CHARS)
    this.#log.error('the route file was unusable and is set aside', { path: this.#path, aside, reason: said })
  }

  #rename(aside: string): boolean {
    try {
      renameSync(this.#path, aside)
      return true
    } catch (cause) {
      this.#log.error('the route file is unusable', { path: this.#path, cause: String(cause) })
      return false
    }
  }
}

/** Those that can be read back. */
function fittingOf(entries: RouteEntry[]): RouteEntry[] {
  return entries.map(entry => ({ ...entry, addresses: entry.addresses.slice(0, FILE_ADDRESSES_MAX) })).filter(fits)
}

function newestOf(entries: RouteEntry[]): RouteEntry[] {
  return entries.toSorted((a, b) => b.lastSeenMs - a.lastSeenMs).slice(0, ENTRIES_MAX)
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
