import type { Fingerprint } from '../protocol/index.ts'
import { guarded } from './guard.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { Gauge, Log, Store } from './ports.ts'

/** Where the store keeps who has let this instance in, the one that did last at the end. */
const KEY = 'let-in-by'

/** More than connect at a time; of whom it leaves out, messages end at the first refusal. */
const ADMITTERS_MAX = 1_024

/** One notice a day about the same peer while it goes on refusing, ms. */
const PAUSE_MS = 24 * 60 * 60 * 1000

/**
 * Who has let this instance in, as far as a link shows it. A peer that did and refuses now may have been restored from a backup, and waits for its
 * owner to approve everybody again: what waits for it goes on waiting, and the owner is told. Of somebody who never did nothing is to be hoped for.
 */
export class Admitters {
  readonly #components: { store: Pick<Store, 'value' | 'setValue'>; log: Log; owner: Pick<OwnerNotices, 'tell'> }
  readonly #program: string
  /** Those that refuse now, and of which the owner was told. At most ADMITTERS_MAX. */
  readonly #refusing = new Set<Fingerprint>()

  constructor(
    components: { store: Pick<Store, 'value' | 'setValue'>; log: Log; owner: Pick<OwnerNotices, 'tell'> },
    init: { program: string }
  ) {
    this.#components = components
    this.#program = init.program
  }

  gauges(): Gauge[] {
    return [{ name: 'peers that refuse', size: this.#refusing.size, max: ADMITTERS_MAX }]
  }

  /** A link is up, so both sides have let each other in. Never throws. */
  linked(instance: Fingerprint): void {
    this.#refusing.delete(instance)
    guarded(this.#components.log, 'Noting who lets this instance in', () => {
      const known = this.#read()
      if (known.includes(instance)) return
      this.#components.store.setValue(KEY, [...known, instance].slice(-ADMITTERS_MAX).join(' '))
    })
  }

  /** Nothing is to be known of it any more. To be called in the transaction of why. */
  forget(instance: Fingerprint): void {
    this.#refusing.delete(instance)
    const known = this.#read()
    if (!known.includes(instance)) return
    this.#components.store.setValue(KEY, known.filter(other => other !== instance).join(' '))
  }

  /** Whether it had let this instance in before it refused now. The owner is told where something waits for it. */
  refused(instance: Fingerprint, { waiting }: { waiting: () => boolean }): boolean {
    if (!this.#read().includes(instance)) return false
    if (this.#refusing.has(instance) || !waiting()) return true
    const [oldest] = this.#refusing
    if (this.#refusing.size >= ADMITTERS_MAX && oldest !== undefined) this.#refusing.delete(oldest)
    this.#refusing.add(instance)
    this.#components.owner.tell({
      subject: `refuses ${instance}`,
      pauseMs: PAUSE_MS,
      about: instance,
      text: name =>
        `${name(instance)} does not let this instance in any more. What waits for it is kept: ask its owner to approve this instance again, or see: ${this.#program} outbox`
    })
    return true
  }

  /** Whether it refuses now, and messages wait for it all the same. */
  isRefusing(instance: Fingerprint): boolean {
    return this.#refusing.has(instance)
  }

  #read(): Fingerprint[] {
    const text = this.#components.store.value(KEY) ?? ''
    return text === '' ? [] : (text.split(' ') as Fingerprint[])
  }
}
