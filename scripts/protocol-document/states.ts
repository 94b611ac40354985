import type { OutboxRow, OutboxState } from '../../src/mesh/ports.ts'
import { advanced } from '../../src/store/levels.ts'

const STATES: readonly OutboxState[] = ['queued', 'received', 'delivered', 'answered', 'rejected', 'expired']

/** Column heads, and the state that the event asks for. A deferral asks for none. */
const EVENTS: ReadonlyArray<[head: string, to: OutboxState | undefined]> = [
  ['receipt `received`', 'received'],
  ['receipt `delivered`', 'delivered'],
  ['receipt `answered`, or the answer itself', 'answered'],
  ['receipt `rejected`', 'rejected'],
  ['receipt `deferred`', undefined],
  ['expiry passes', 'expired']
]

/** State by event, as the function says that the store runs. A dash: nothing changes. */
export function outboxTable(): string {
  const heads = ['state', ...EVENTS.map(([head]) => head)]
  const rows = STATES.map(state => [`\`${state}\``, ...EVENTS.map(([, to]) => nextOf(state, to))])
  return [heads, heads.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function nextOf(state: OutboxState, to: OutboxState | undefined): string {
  const next = to === undefined ? undefined : advanced({ state } as OutboxRow, to)
  return next === undefined ? '-' : `\`${next.state}\``
}
