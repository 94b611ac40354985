import { type Fingerprint, safe } from '../protocol/index.ts'
import type { Log, Tier } from './ports.ts'
import { instanceOf, type Trust } from './trust.ts'

/** The owner's settings about what an admitted peer's text may do. */
export interface TierPolicy {
  /**
   * Instance ids, fingerprints, peer ids, or `*` for everybody: their texts are shown and start no turn. An entry that can be none of these means
   * everybody too, because whoever was meant must not start turns. @default none
   */
  notifyOnly?: string[]
  /** Names of the tools that turns of trusted peers may have. @default none */
  trustedTools?: string[]
}

/** Entries that are named in the issues one by one. */
const WRONG_MAX = 8

/** What the text of an instance may do here: its level, unless the owner wants only to be told. */
export class Tiers {
  readonly #trust: Trust
  readonly #log: Log
  #everybody = false
  /** Entries that name nobody. At most WRONG_MAX. */
  #wrong: readonly string[] = []
  /** Bounded by the settings. */
  #notifyOnly: ReadonlySet<Fingerprint> = new Set()
  /** Bounded by the settings. */
  #tools: ReadonlySet<string> = new Set()
  #withdrawals = 0

  constructor(components: { trust: Trust; log: Log }, init: TierPolicy) {
    this.#trust = components.trust
    this.#log = components.log
    this.update(init)
  }

  of(instance: Fingerprint): Tier {
    if (this.#everybody || this.#notifyOnly.has(instance)) return 'notify'
    return this.#trust.levelOf(instance) === 'trusted' ? 'trusted' : 'reply'
  }

  /** How often the owner has taken a tool back from trusted peers: a turn that began before the last time may still have it. */
  get withdrawals(): number {
    return this.#withdrawals
  }

  /** What the owner's settings say in vain. */
  issues(): string[] {
    return this.#wrong.map(
      entry =>
        `notifyOnly has "${safe(entry)}", which names nobody here, so that no text of anybody starts a turn: is a letter wrong, or a group empty?`
    )
  }

  /** New settings, in force for every turn that begins from now on. */
  update({ notifyOnly = [], trustedTools = [] }: TierPolicy): void {
    const named = new Set<Fingerprint>()
    const wrong: string[] = []
    for (const [index, entry] of notifyOnly.entries()) {
      if (entry === '*') continue
      const found = instanceOf(entry)
      if (found === undefined) {
        this.#log.warn('An entry of notifyOnly is neither an instance id nor a peer id.', { index })
        wrong.push(entry)
      } else named.add(found.instance)
    }
    this.#notifyOnly = named
    this.#wrong = wrong.slice(0, WRONG_MAX)
    this.#everybody = wrong.length > 0 || notifyOnly.includes('*')
    const tools = new Set(trustedTools)
    if (!this.#tools.isSubsetOf(tools)) this.#withdrawals++
    this.#tools = tools
  }
}
