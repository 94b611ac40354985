import type { DispatchOutcome, Display, Inbound } from '../../src/mesh/ports.ts'

/** A channel that shows everything, unless a test says how it ends instead. */
export class FakeDisplay implements Display {
  readonly shown: Inbound[] = []
  outcome: DispatchOutcome = { outcome: 'done' }
  /** While set, showing waits for it. */
  held: Promise<void> | undefined

  async show(inbound: Inbound): Promise<DispatchOutcome> {
    this.shown.push(inbound)
    await this.held
    return this.outcome
  }
}
