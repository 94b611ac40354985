import type { Gauge } from './ports.ts'

/** Keeps something that grows with what peers send. */
export interface Gauged {
  gauges(): Gauge[]
}

/** Of many of a kind, the fullest of each name. */
export function fullest(gauges: Gauge[]): Gauge[] {
  return [...Map.groupBy(gauges, ({ name }) => name).values()].map(group =>
    group.reduce((most, next) => (next.size > most.size ? next : most))
  )
}

/** The one list of everything that grows with what peers send, each with its bound (S-12). */
export class Gauges {
  readonly #kept: Gauged[]

  constructor(components: { kept: Gauged[] }) {
    this.#kept = components.kept
  }

  all(): Gauge[] {
    return this.#kept.flatMap(kept => kept.gauges())
  }
}
