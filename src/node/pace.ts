export interface PaceInit {
  /** Wait from the first call to the work, ms: a moment between these, by chance. */
  firstMs: number
  lastMs: number
  /** From one piece of work to the next, ms, at least. */
  pauseMs: number
}

/** Does a thing once for everybody who asks for it at about the same time, and not too often. */
export class Pace {
  readonly #work: () => void
  readonly #init: PaceInit
  #timer: NodeJS.Timeout | undefined
  /** Somebody asked during the pause. */
  #wanted = false

  constructor(components: { work: () => void }, init: PaceInit) {
    this.#work = components.work
    this.#init = init
  }

  ask(): void {
    this.#wanted = true
    if (this.#timer === undefined) this.#soon()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#wanted = false
  }

  #soon(): void {
    const { firstMs, lastMs, pauseMs } = this.#init
    const run = (): void => {
      this.#wanted = false
      this.#timer = setTimeout(resume, pauseMs).unref()
      this.#work()
    }
    const resume = (): void => {
      this.#timer = undefined
      if (this.#wanted) this.#soon()
    }
    this.#timer = setTimeout(run, firstMs + Math.random() * (lastMs - firstMs)).unref()
  }
}
