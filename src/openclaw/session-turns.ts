/** How long a turn waits for the one before it. Longer ones come again later, so that they hold none of the places for dispatches meanwhile. */
const WAIT_MAX_MS = 30_000

/**
 * One turn of a session at a time. The host steers a second dispatch into the turn that runs and hands both answers to the first one's deliver, so
 * that an answer would go out to the wrong question. A peer has one session and may have many conversations.
 */
export class SessionTurns {
  /** The end of the newest turn of each session, and of all before it. At most one per dispatch under way, which the mesh bounds. */
  readonly #ends = new Map<string, Promise<unknown>>()
  /** What the turn of each session that runs is about. As many as there are ends at most. */
  readonly #causes = new Map<string, string>()

  /**
   * Runs the work when the session is free; undefined when it was not within half a minute or before the signal.
   *
   * @param options `cause`: sender and id of the message that the turn is about
   */
  async run<T>(
    session: string,
    work: () => Promise<T>,
    options: { cause?: string; signal?: AbortSignal } = {}
  ): Promise<T | undefined> {
    const before = this.#ends.get(session)
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    const ends: Promise<unknown> = Promise.all([before, over]).then(() => {
      if (this.#ends.get(session) === ends) this.#ends.delete(session)
    })
    this.#ends.set(session, ends)
    try {
      if (before !== undefined && !(await soon(before, options.signal))) return undefined
      return await this.#work(session, work, options.cause)
    } finally {
      end()
    }
  }

  /** Sender and id of the message that the session works on: what it sends meanwhile goes on with the trace of that one. */
  causeOf(session: string): string | undefined {
    return this.#causes.get(session)
  }

  async #work<T>(session: string, work: () => Promise<T>, cause: string | undefined): Promise<T> {
    if (cause !== undefined) this.#causes.set(session, cause)
    try {
      return await work()
    } finally {
      this.#causes.delete(session)
    }
  }
}

/** Whether the promise, which never rejects, is settled in time. */
async function soon(promise: Promise<unknown>, signal: AbortSignal | undefined): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>()
  const giveUp = (): void => resolve(false)
  const timer = setTimeout(giveUp, WAIT_MAX_MS)
  signal?.addEventListener('abort', giveUp, { once: true })
  if (signal?.aborted === true) giveUp()
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', giveUp)
  }
}
