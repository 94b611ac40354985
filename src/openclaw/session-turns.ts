/** How long a turn waits for the one before it. Longer ones come again later, so that they hold none of the places for dispatches meanwhile. */
const WAIT_MAX_MS = 30_000

/**
 * One turn of a session at a time. The host steers a second dispatch into the turn that runs and hands both answers to the first one's deliver, so
 * that an answer would go out to the wrong question. A peer has one session and may have many conversations.
 */
export class SessionTurns {
  /** The end of the newest turn of each session, and of all before it. At most one per dispatch under way, which the mesh bounds. */
  readonly #ends = new Map<string, Promise<unknown>>()

  /** Runs the work when the session is free; undefined when it was not within half a minute or before the signal. */
  async run<T>(
    session: string,
    work: () => Promise<T>,
    options: { signal?: AbortSignal } = {}
  ): Promise<T | undefined> {
    const before = this.#ends.get(session)
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    const ends: Promise<unknown> = Promise.all([before, over]).then(() => {
      if (this.#ends.get(session) === ends) this.#ends.delete(session)
    })
    this.#ends.set(session, ends)
    try {
      return before === undefined || (await soon(before, options.signal)) ? await work() : undefined
    } finally {
      end()
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
