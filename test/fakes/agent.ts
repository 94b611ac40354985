import type { AbortOptions, Agent, DispatchOutcome, Inbound, TurnEvents } from '../../src/mesh/ports.ts'

export interface FakeAgentInit {
  /** The answer to a text; undefined gives none. */
  answer?: (inbound: Inbound) => string | undefined | Promise<string | undefined>
}

/** An agent whose every turn is noted. By default it takes each text and says nothing. */
export class FakeAgent implements Agent {
  readonly turns: Inbound[] = []
  answer: NonNullable<FakeAgentInit['answer']>
  /** While set, turns wait for it after adoption. */
  held: Promise<void> | undefined

  constructor(init: FakeAgentInit = {}) {
    this.answer = init.answer ?? (() => undefined)
  }

  get texts(): string[] {
    return this.turns.map(inbound => inbound.text)
  }

  async turn(inbound: Inbound, events: TurnEvents, { signal }: AbortOptions = {}): Promise<DispatchOutcome> {
    this.turns.push(inbound)
    events.adopted()
    if (this.held !== undefined) await Promise.race([this.held, abortOf(signal)])
    const text = await this.answer(inbound)
    if (text !== undefined) await events.reply(text)
    return { outcome: 'done' }
  }
}

function abortOf(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
