import type { RouteEntry, RouteStore } from '../../../src/mesh/ports.ts'

export class FakeRoutes implements RouteStore {
  /** What an earlier version left. */
  former: RouteEntry[] = []
  /** What a crash would leave. */
  flushed: RouteEntry[] = []
  #entries: RouteEntry[] = []

  load(): RouteEntry[] {
    return structuredClone(this.#entries)
  }

  hints(): RouteEntry[] {
    return structuredClone(this.former)
  }

  save(entries: RouteEntry[]): void {
    this.#entries = structuredClone(entries)
  }

  async flush(): Promise<void> {
    this.flushed = structuredClone(this.#entries)
  }
}
