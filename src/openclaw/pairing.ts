import type { HostRound, OpenRequest } from '../mesh/host-approvals.ts'
import type { Log } from '../mesh/ports.ts'
import { safe } from '../protocol/index.ts'
import { PLUGIN_ID } from '../settings/plugin-id.ts'
import { ACCOUNT_ID } from './account-config.ts'
import type { ChannelRuntime, HostConfig } from './host-types.ts'
import { ownerOutsideMesh } from './notices.ts'
import { PROGRAM } from './words.ts'

/** How soon an approval at the host counts here, and a request shows there. One read of a small table. */
const LOOK_MS = 2_000

/** The host forgets a queued request after an hour; it is put there again as long as it waits here. */
const QUEUED_MS = 60 * 60 * 1000

/** What the host's list shows of a request that was decided here: it cannot be taken out, and keeps its place until the host drops it. */
const DECIDED = 'decided in the mesh, ignore'

/** Longest sentence of an error in the log. */
const REASON_MAX_CHARS = 200

export interface HostPairingComponents {
  /** The host's own lists: requests that wait, and senders that were approved. */
  lists: Pick<ChannelRuntime['pairing'], 'readAllowFromStore' | 'removeAllowFromStoreEntry' | 'upsertPairingRequest'>
  config(): HostConfig
  /** Tells the mesh what was approved; it says what it has dealt with, and which requests wait. */
  approvals(entries: string[], options: { signal: AbortSignal }): Promise<HostRound>
  log: Log
}

/**
 * Requests to be let in, also in the host's own queue (`openclaw pairing list|approve libp2p-mesh`), as long as the host has an owner on another channel:
 * without one the host makes the first approved sender its owner. The mesh decides; the host's lists are emptied of what was decided.
 */
export class HostPairing {
  readonly #components: HostPairingComponents
  readonly #end = new AbortController()
  /** When each request was put in the host's queue, monotonic ms. The host takes three, the mesh keeps 64 at most. */
  readonly #queued = new Map<string, number>()
  /** Entries that are dealt with and that the host would not forget yet; no more than it has. */
  #done: ReadonlySet<string> = new Set()
  #problem: string | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(components: HostPairingComponents) {
    this.#components = components
  }

  start(): void {
    this.#plan()
  }

  stop(): void {
    this.#end.abort()
    clearTimeout(this.#timer)
  }

  /** One look at both sides. Never rejects: it runs on the gateway's thread. */
  async look(): Promise<void> {
    try {
      await this.#look()
      this.#problem = undefined
    } catch (error) {
      if (this.#end.signal.aborted) return
      // The host's database is busy now and then, and the engine may be starting: said once, tried again.
      const problem = safe(error instanceof Error ? error.message : String(error), REASON_MAX_CHARS)
      if (problem !== this.#problem)
        this.#components.log.warn(`The pairing list of the host could not be used: ${problem}`)
      this.#problem = problem
    }
  }

  #plan(): void {
    this.#timer = setTimeout(() => {
      void this.look().then(() => {
        if (!this.#end.signal.aborted) this.#plan()
      })
    }, LOOK_MS).unref()
  }

  async #look(): Promise<void> {
    const { lists, approvals } = this.#components
    const where = { channel: PLUGIN_ID, accountId: ACCOUNT_ID }
    const entries = await lists.readAllowFromStore(where)
    const before = this.#done
    const fresh = entries.filter(entry => !before.has(entry))
    const { open, done } = await approvals(fresh, { signal: this.#end.signal })
    // An approval takes the request out of the host's queue by itself.
    for (const entry of done) this.#queued.delete(entry)
    this.#done = new Set([...entries.filter(entry => before.has(entry)), ...done])
    await this.#withdraw(open)
    await this.#offer(open)
    // Last, so that a list that cannot be written keeps nobody's request from being shown.
    for (const entry of this.#done) {
      await lists.removeAllowFromStoreEntry({ ...where, entry })
      this.#done = new Set([...this.#done].filter(other => other !== entry))
    }
  }

  async #offer(open: OpenRequest[]): Promise<void> {
    const missing = open.filter(({ id }) => !this.#isQueued(id))
    if (missing.length === 0 || (await ownerOutsideMesh(this.#components.config())) === undefined) return
    for (const request of missing) if (!(await this.#queue(request))) return
  }

  #isQueued(id: string): boolean {
    const queuedMs = this.#queued.get(id)
    return queuedMs !== undefined && performance.now() - queuedMs < QUEUED_MS
  }

  /** What was decided here is left there without its words, and says so: the host drops it after the hour, and its approval lets nobody in. */
  async #withdraw(open: OpenRequest[]): Promise<void> {
    const waiting = new Set(open.map(({ id }) => id))
    for (const id of this.#queued.keys()) {
      if (waiting.has(id)) continue
      const listed = this.#isQueued(id)
      this.#queued.delete(id)
      if (listed) await this.#upsert(id, { senderId: DECIDED })
    }
  }

  /** False where the host has no room for more. */
  async #queue({ id, instanceId, purpose }: OpenRequest): Promise<boolean> {
    const code = await this.#upsert(id, {
      senderId: safe(instanceId),
      ...(purpose !== '' && { purpose: safe(purpose) })
    })
    if (code === '') return false
    this.#queued.set(id, performance.now())
    this.#components.log.info(
      `${safe(instanceId)} asks to be let in; run: ${PROGRAM} approve ${fingerprintIn(instanceId)}, or: openclaw pairing approve ${PLUGIN_ID} ${code}`
    )
    return true
  }

  async #upsert(id: string, meta: Record<string, string>): Promise<string> {
    const { code } = await this.#components.lists.upsertPairingRequest({
      channel: PLUGIN_ID,
      accountId: ACCOUNT_ID,
      id,
      meta
    })
    return code
  }
}

/** A label may have spaces, which a command line takes apart; the fingerprint alone names the instance too. */
function fingerprintIn(instanceId: string): string {
  return safe(instanceId.slice(instanceId.lastIndexOf('@') + 1))
}

/** What the host says of our requests in its own lists. Whoever was approved hears so from the node. */
export const pairingText = {
  idLabel: 'instance id',
  message: 'You were let in.',
  normalizeAllowEntry: (entry: string) => entry.trim(),
  notify: () => undefined
}
