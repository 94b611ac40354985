import type { ChaosNode } from './node.ts'
import type { Stage } from './stage.ts'

/** Conversations each way. */
const CONVERSATIONS = 3

/** Nothing is added to more than this: a machine with other work would only make outboxes full. */
const OPEN_MAX = 300

/** Sends texts each way between the nodes of a pair at a steady rate, while they run, until it is stopped. */
export class Traffic implements Disposable {
  readonly #timer: NodeJS.Timeout
  readonly #calls = new Set<Promise<unknown>>()

  constructor(components: { stage: Stage; pair: readonly [ChaosNode, ChaosNode] }, init: { perSecond: number }) {
    const { stage, pair } = components
    const [one, other] = pair
    let turn = 0
    this.#timer = setInterval(() => {
      if (stage.open >= OPEN_MAX) return
      const [from, to] = turn % 2 === 0 ? [one, other] : [other, one]
      const conversation = Math.floor(turn / 2) % CONVERSATIONS
      turn++
      const call = stage.send(from, to, conversation).finally(() => this.#calls.delete(call))
      this.#calls.add(call)
    }, 1_000 / init.perSecond)
  }

  async stop(): Promise<void> {
    this[Symbol.dispose]()
    await Promise.all(this.#calls)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
