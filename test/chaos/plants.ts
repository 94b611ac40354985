import type { Change } from '../fixtures/planted.ts'

/** A change of the sources that breaks a promise, and the scenario that must notice it. */
export interface Plant {
  what: string
  scenario: string
  /** So many are enough to notice it. */
  rounds: number
  /** What the checker counts then. */
  breaks: 'lost' | 'duplicated' | 'forged'
  changes: Change[]
}

/** What a bug lost never comes. Longer than a conversation waits for a message that is missing, ms. */
export const PLANT_PATIENCE_MS = 45_000

export const PLANTS: Record<string, Plant> = {
  'receipt-before-commit': {
    what: 'delivery is promised as a message arrives, and the disk is written a second later',
    scenario: 'crash-points',
    rounds: 5,
    breaks: 'lost',
    changes: [
      {
        file: 'src/mesh/inbox.ts',
        from: '    this.#arrivals.push(arrival)\n',
        to: "    this.#arrivals.push(arrival)\n    this.#components.send(peer, [{ id: content.id, attempt: 1, hash, outcome: 'delivered', reason: 'none' }])\n"
      },
      {
        file: 'src/mesh/inbox.ts',
        from: 'new Promise(resolve => setImmediate(resolve))',
        to: 'new Promise(resolve => setTimeout(resolve, 1_000))'
      }
    ]
  },
  'memory-dedupe': {
    what: 'what was shown is forgotten with the process',
    scenario: 'crash-points',
    rounds: 6,
    breaks: 'duplicated',
    changes: [
      {
        file: 'src/store/index.ts',
        from: '    const witnessed = openEpoch(',
        to: "    database.query(\"DELETE FROM inbox WHERE state IN ('replied', 'done', 'unknown', 'rejected')\").run({})\n    const witnessed = openEpoch("
      },
      { file: 'src/store/inbox.ts', from: 'WHERE :seq >= coalesce(', to: 'WHERE 1 OR :seq >= coalesce(' },
      { file: 'src/mesh/inbox.ts', from: 'content.seq < next || taken', to: 'taken' }
    ]
  },
  'unsigned-sender': {
    what: 'a signature is looked at and nobody minds what it says',
    scenario: 'histories',
    rounds: 10,
    breaks: 'forged',
    changes: [
      {
        file: 'src/mesh/signature-check.ts',
        from: 'answers[index] === true ? good : bad',
        to: 'answers[index] === undefined ? bad : good'
      }
    ]
  }
}
