import type { Fingerprint } from '../protocol/index.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { Gauge } from './ports.ts'

/** As many as links at a time, with room; beyond it the one that linked least lately is forgotten. */
const INSTANCES_MAX = 1_024

/** Epochs remembered of each: more copies than this nobody runs. */
const EPOCHS_MAX = 4

/** One notice a day while they go on taking turns, ms. */
const PAUSE_MS = 24 * 60 * 60 * 1000

/**
 * Instances that run twice. A copy of a state directory that was restored draws an epoch of its own, so a peer that shows a new epoch was restored; one
 * that goes back to an epoch that it had left is two programs with one key, which take each other's messages. A copy that was made with everything
 * beside the database has the same epoch and shows nothing here: the numbers of its messages clash then, and its peers refuse one of two.
 */
export class Twins {
  readonly #owner: OwnerNotices
  /** By instance, the one that linked last at the end; epochs newest last. */
  readonly #epochs = new Map<Fingerprint, string[]>()

  constructor({ owner }: { owner: OwnerNotices }) {
    this.#owner = owner
  }

  /** An admitted instance linked and named its epoch. Never throws. */
  linked(instance: Fingerprint, epoch: string): void {
    const known = this.#epochs.get(instance) ?? []
    const isBack = known.includes(epoch) && known.at(-1) !== epoch
    this.#epochs.delete(instance)
    this.#epochs.set(instance, [...known.filter(other => other !== epoch), epoch].slice(-EPOCHS_MAX))
    const oldest = this.#epochs.keys().next().value
    if (this.#epochs.size > INSTANCES_MAX && oldest !== undefined) this.#epochs.delete(oldest)
    if (!isBack) return
    this.#owner.tell({
      subject: `twins ${instance}`,
      pauseMs: PAUSE_MS,
      about: instance,
      text: name =>
        `${name(instance)} runs twice: a restored copy and the original take turns, and each misses what reaches the other. Its owner has to stop one of them.`
    })
  }

  gauges(): Gauge[] {
    return [{ name: 'epochs of peers', size: this.#epochs.size, max: INSTANCES_MAX }]
  }
}
