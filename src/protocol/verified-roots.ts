/** True only for a valid Ed25519 signature; never throws for bad input. */
export type Verify = (publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => Promise<boolean>

/** Groups in flight from a hundred peers at once, with room: about 300 bytes each. */
const ROOTS_MAX = 1024

/**
 * Remembers which signatures over which roots are good, so that one verification serves a whole group, also while it is still running.
 * Bad ones are forgotten; past its cap the least recently used goes.
 */
export class VerifiedRoots {
  readonly #max: number
  readonly #roots = new Map<string, Promise<boolean>>()

  constructor(max: number = ROOTS_MAX) {
    this.#max = max
  }

  get size(): number {
    return this.#roots.size
  }

  get max(): number {
    return this.#max
  }

  /** The answer for this key, root and signature: from memory, or from `verify`. */
  check(key: Uint8Array, root: Uint8Array, sig: Uint8Array, verify: () => Promise<boolean>): Promise<boolean> {
    const name = String.fromCharCode(...key, ...root, ...sig)
    const answer = this.#roots.get(name) ?? this.#ask(name, verify)
    this.#roots.delete(name)
    this.#roots.set(name, answer)
    if (this.#roots.size > this.#max) this.#forgetOldest()
    return answer
  }

  #ask(name: string, verify: () => Promise<boolean>): Promise<boolean> {
    const answer = verify().then(
      good => {
        if (!good) this.#forget(name, answer)
        return good
      },
      (error: unknown) => {
        this.#forget(name, answer)
        throw error
      }
    )
    return answer
  }

  #forget(name: string, answer: Promise<boolean>): void {
    if (this.#roots.get(name) === answer) this.#roots.delete(name)
  }

  #forgetOldest(): void {
    const [oldest] = this.#roots.keys()
    if (oldest !== undefined) this.#roots.delete(oldest)
  }
}
