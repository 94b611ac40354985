import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** One line that a node printed. */
export interface JsonEvent {
  event: string
  [key: string]: unknown
}

export type Wanted = (event: JsonEvent) => boolean

/** Nothing is promised by it. Two programs that start on a machine with much other work take longer than 15 s; shorter than what a test has, so that it says what came. */
const WAIT_LIMIT_MS = 45_000

/** Reads the JSON lines of a process and hands each out once, to who asks for it, whenever it comes. */
export class JsonEvents {
  /** Everything printed, in order, also what was handed out. */
  readonly all: JsonEvent[] = []
  /** Lines that are no JSON objects: there must be none. */
  readonly strays: string[] = []
  readonly #open: JsonEvent[] = []
  readonly #waiters = new Set<{ wanted: Wanted; resolve: (event: JsonEvent) => void }>()

  constructor(components: { stream: Readable }) {
    createInterface({ input: components.stream }).on('line', line => this.#take(line))
  }

  /** The first event of this kind that nobody has had yet; rejects when it does not come. */
  async next(name: string, wanted: Wanted = () => true): Promise<JsonEvent> {
    const matches = (event: JsonEvent): boolean => event.event === name && wanted(event)
    const at = this.#open.findIndex(matches)
    const [found] = at < 0 ? [] : this.#open.splice(at, 1)
    if (found !== undefined) return found
    const { promise, resolve, reject } = Promise.withResolvers<JsonEvent>()
    const waiter = { wanted: matches, resolve }
    this.#waiters.add(waiter)
    const printed = (): string => this.all.map(event => JSON.stringify(event)).join('\n')
    const timer = setTimeout(
      () => reject(new Error(`no such ${name} event came; printed so far:\n${printed()}`)),
      WAIT_LIMIT_MS
    )
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#waiters.delete(waiter)
    }
  }

  #take(line: string): void {
    const event = parse(line)
    if (event === undefined) {
      this.strays.push(line)
      return
    }
    this.all.push(event)
    const waiter = [...this.#waiters].find(({ wanted }) => wanted(event))
    if (waiter === undefined) this.#open.push(event)
    else {
      this.#waiters.delete(waiter)
      waiter.resolve(event)
    }
  }
}

function parse(line: string): JsonEvent | undefined {
  try {
    const value = JSON.parse(line) as JsonEvent | null
    return typeof value === 'object' && typeof value?.event === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
