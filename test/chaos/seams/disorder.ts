import { Random } from '../../../scripts/fuzz/random.ts'

/** How long a frame is held back when no other one overtakes it before, ms. */
const HELD_MAX_MS = 40

/** Frames that are remembered to come again much later. */
const KEPT_MAX = 16

type Frame = () => void

/** One link whose other end repeats frames, lets them change places, and brings old ones again. */
export class Disorder {
  readonly #random: Random
  readonly #held = new Map<string, Frame[]>()
  readonly #kept = new Map<string, Frame[]>()

  constructor(init: { seed: number }) {
    this.#random = new Random(init)
  }

  begin(peer: string): void {
    this.#held.set(peer, [])
    this.#kept.set(peer, [])
  }

  /** What is still held back is lost with the link. */
  end(peer: string): void {
    this.#held.delete(peer)
    this.#kept.delete(peer)
  }

  pass(peer: string, frame: Frame): void {
    const [held, kept] = [this.#held.get(peer), this.#kept.get(peer)]
    if (held === undefined || kept === undefined) return
    kept.push(frame)
    if (kept.length > KEPT_MAX) kept.shift()
    const dice = this.#random.below(6)
    if (dice === 0) {
      held.push(frame)
      setTimeout(() => this.#release(peer, held), this.#random.below(HELD_MAX_MS))
      return
    }
    frame()
    if (dice === 1) frame()
    if (dice === 2) this.#random.oneOf(kept)()
    if (dice === 3) this.#release(peer, held)
  }

  #release(peer: string, held: Frame[]): void {
    if (this.#held.get(peer) !== held) return
    for (const frame of held.splice(0).reverse()) frame()
  }
}
