import { existsSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { MeshError } from '../mesh/errors.ts'
import type { Log, RouteEntry, RouteStore } from '../mesh/ports.ts'
import { LABEL_MAX_CHARS } from '../protocol/limits.ts'
import { safe } from '../protocol/safe.ts'
import { writeAtomically } from './atomic-file.ts'

const FILE_NAME = 'instance-peer.json'

/** At most one write per this time, however many peers come and go. */
const SAVE_DELAY_MS = 5_000

/** Admitted instances only; the ones not seen for longest go first. */
const ENTRIES_MAX = 1_000

/** Where a key was met plus what its route record names. */
const ADDRESSES_MAX = 16

/** Longest multiaddr text: two relay hops with their peer ids stay under it. */
const ADDRESS_MAX_CHARS = 512

/** A file with every entry at its largest is smaller. */
const FILE_MAX_BYTES = 16 * 1024 * 1024

/** Longest reason in the log: it may quote the file. */
const REASON_MAX_CHARS = 200

/** Corrupt files kept for a look; the last name is used again after that. */
const CORRUPT_MAX = 10

const instanceSchema = z.string().regex(/^[a-z2-7]{4}(-[a-z2-7]{4}){5}$/)

const routeSchema = z.strictObject({
  peer: z.string().min(1).max(128),
  label: z.string().max(LABEL_MAX_CHARS * 2),
  addresses: z.array(z.string().max(ADDRESS_MAX_CHARS)).max(ADDRESSES_MAX),
  seq: z.int().nonnegative(),
  lastSeenMs: z.int().nonnegative()
})

const fileSchema = z.strictObject({ version: z.literal(1), instances: z.record(instanceSchema, routeSchema) })

export interface RoutesComponents {
  directory: string
  log: Log
}

/**
 * `instance-peer.json`: which peer id each admitted instance was met at, readable by people and other programs.
 *
 * A file that cannot be used is set aside as `instance-peer.json.corrupt-<n>`, reported, and the table starts empty:
 * routes are hints, and the trust list is elsewhere.
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
    if (this.#pending !== undefined) return structuredClone(this.#pending)
    try {
      const { instances } = this.#read()
      return Object.entries(instances).map(([instance, route]) => ({ instance, ...route }))
    } catch (error) {
      if (isMissing(error)) return []
      this.#setAside(error)
      return []
    }
  }

  /**
   * Written within SAVE_DELAY_MS, or by `flush`. Addresses beyond the cap and entries that could not be read back are
   * left out.
   */
  save(entries: RouteEntry[]): void {
    const fitting = entries
      .map(entry => ({ ...entry, addresses: entry.addresses.slice(0, ADDRESSES_MAX) }))
      .filter(fits)
    if (fitting.length < entries.length) {
      this.#log.warn('routes that do not fit their file were left out', { count: entries.length - fitting.length })
    }
    this.#pending = fitting.sort((a, b) => b.lastSeenMs - a.lastSeenMs).slice(0, ENTRIES_MAX)
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
    const instances = Object.fromEntries(this.#pending.map(({ instance, ...route }) => [instance, route]))
    try {
      writeAtomically(this.#path, `${JSON.stringify({ version: 1, instances }, undefined, 2)}\n`)
    } catch (cause) {
      throw new MeshError('store_failed', { detail: `cannot write ${this.#path}`, retryable: true, cause })
    }
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

  #read(): z.infer<typeof fileSchema> {
    const { size } = statSync(this.#path)
    if (size > FILE_MAX_BYTES) throw new Error(`larger than ${FILE_MAX_BYTES} bytes`)
    return fileSchema.parse(JSON.parse(readFileSync(this.#path, 'utf8')))
  }

  #setAside(error: unknown): void {
    const numbers = Array.from({ length: CORRUPT_MAX }, (_, index) => index + 1)
    const number = numbers.find(n => !existsSync(`${this.#path}.corrupt-${n}`)) ?? CORRUPT_MAX
    const aside = `${this.#path}.corrupt-${number}`
    const reason = safe(error instanceof z.ZodError ? z.prettifyError(error) : String(error), REASON_MAX_CHARS)
    try {
      renameSync(this.#path, aside)
      this.#log.error('the route file was unusable and is set aside', { path: this.#path, aside, reason })
    } catch (cause) {
      this.#log.error('the route file is unusable', { path: this.#path, reason, cause: String(cause) })
    }
  }
}

function fits({ instance, ...route }: RouteEntry): boolean {
  return instanceSchema.safeParse(instance).success && routeSchema.safeParse(route).success
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
