import type { Change } from '../fixtures/planted.ts'

/**
 * For each item of the security requirements that is attacked here, a weakness that makes its case fail. `node scripts/plant.ts` plants them one by one in
 * a copy and says which case did not notice.
 */
export const WEAKNESSES: Record<string, { what: string; changes: Change[] }> = {
  'S-01': {
    what: 'a record may name the peer of another instance',
    changes: [{ file: 'src/mesh/route-table.ts', from: '!owns(record.peer, from) || ', to: '' }]
  },
  'S-02': {
    what: 'an older record counts like a newer one',
    changes: [{ file: 'src/mesh/route-table.ts', from: 'record.seq <= (known?.seq ?? 0)', to: 'record.seq < 0' }]
  },
  'S-04': {
    what: 'signatures of broadcasts are not looked at',
    changes: [
      { file: 'src/mesh/broadcast.ts', from: "this.#roots))) return 'reject'", to: "this.#roots))) void 'reject'" }
    ]
  },
  'S-05': {
    what: 'an envelope for somebody else is taken',
    changes: [
      {
        file: 'src/mesh/check-audience.ts',
        from: "return to === self && topic === undefined ? undefined : 'wrong_audience'",
        to: "return to === self && topic === 'x' ? 'wrong_audience' : undefined"
      }
    ]
  },
  'S-06': {
    what: 'what was seen is forgotten when there is much of it',
    changes: [
      {
        file: 'src/store/inbox.ts',
        from: 'const fresh = new Set<string>()',
        to: `const fresh = new Set<string>()
      if (this.newest(501).length > 500) this.#database.query("DELETE FROM inbox WHERE state = 'done'").run({})`
      },
      { file: 'src/store/inbox.ts', from: 'WHERE :seq >= coalesce((', to: 'WHERE :seq >= 0 * coalesce((' },
      { file: 'src/mesh/inbox.ts', from: 'content.seq < next || taken', to: 'taken' }
    ]
  },
  'S-07': {
    what: 'a message is known by its id alone',
    changes: [
      {
        file: 'src/store/inbox.ts',
        from: 'SELECT * FROM inbox WHERE instance = :instance AND id = :id',
        to: 'SELECT * FROM inbox WHERE :instance <> :id AND id = :id'
      }
    ]
  },
  'S-08': {
    what: 'a clock may be ahead by any time',
    changes: [
      {
        file: 'src/mesh/check-time.ts',
        from: "if (timeMs - CLOCK_TOLERANCE_MS > nowMs) return 'clock_skew'\n",
        to: ''
      }
    ]
  },
  'S-09': {
    what: 'a frame may have any length',
    changes: [{ file: 'src/node/frame-reader.ts', from: 'this.#length > this.#maxBytes || ', to: '' }]
  },
  'S-10': {
    what: 'a handshake may take for ever',
    changes: [{ file: 'src/node/assemble.ts', from: 'const UPGRADE_MS = 4_000', to: 'const UPGRADE_MS = 400_000' }]
  },
  'S-11': {
    what: 'one address may have any number of connections',
    changes: [{ file: 'src/node/limits.ts', from: 'STRANGERS_PER_HOST_MAX = 8', to: 'STRANGERS_PER_HOST_MAX = 8_000' }]
  },
  'S-12': {
    what: 'every stranger is remembered',
    changes: [
      {
        file: 'src/mesh/route-table.ts',
        from: 'export const STRANGERS_MAX = 256',
        to: 'export const STRANGERS_MAX = 99_999'
      }
    ]
  },
  'S-13': {
    what: 'an author has no quota',
    changes: [
      { file: 'src/mesh/broadcast.ts', from: 'perSecond: 6 / 60, burst: 12,', to: 'perSecond: 600, burst: 1_200,' }
    ]
  },
  'S-16': {
    what: 'a peer may send this node to its own machine',
    changes: [
      {
        file: 'src/node/gate.ts',
        from: "if (place.reach === 'loopback') return this.#loopback",
        to: "if (place.reach === 'loopback') return true"
      }
    ]
  },
  'S-17': {
    what: 'strings of peers are shown as they are',
    changes: [
      {
        file: 'src/protocol/safe.ts',
        from: '.replace(UNSAFE, escapeAll)',
        to: '.replace(/^$/, () => escapeAll(String(UNSAFE)))'
      }
    ]
  },
  'S-18': {
    what: 'each route is kept in a file of its label, too',
    changes: [
      {
        file: 'src/store/routes.ts',
        from: '    const count = this.#pending.length - fitting.length',
        to: `    for (const route of routes) writeAtomically(this.#path.replace(FILE_NAME, route.label), JSON.stringify(route))
    const count = this.#pending.length - fitting.length`
      }
    ]
  },
  'S-23': {
    what: 'a chain may cost any number of turns',
    changes: [
      {
        file: 'src/mesh/budget.ts',
        from: "    if (this.#chainSpent(conversation, trace)) return { verdict: 'spent' }\n",
        to: ''
      }
    ]
  },
  'S-24': {
    what: 'a peer may cost any number of turns',
    changes: [{ file: 'src/mesh/budget.ts', from: 'peerTurnsPerHour: 12,', to: 'peerTurnsPerHour: 12_000,' }]
  },
  'S-25': {
    what: 'the name of a ticket is as good as its proof',
    changes: [
      {
        file: 'src/mesh/tickets.ts',
        from: "sender })))\n      return refusing('ticket_unknown')",
        to: "sender })))\n      void refusing('ticket_unknown')"
      }
    ]
  },
  'S-26': {
    what: 'a text without a signature of its sender is taken',
    changes: [
      {
        file: 'src/mesh/signature-check.ts',
        from: 'answers[index] === true ? good : bad',
        to: 'answers[index] === undefined ? bad : good'
      }
    ]
  },
  'S-27': {
    what: 'of a field that is there twice, the last one counts',
    changes: [
      {
        file: 'src/protocol/wire.ts',
        from: 'if (field.repeated !== true && (seen.fields & bit) !== 0) throw',
        to: 'if (bit === 0) throw'
      }
    ]
  },
  'S-28': {
    what: 'nobody looks whether one label is like another',
    changes: [
      { file: 'src/mesh/sender.ts', from: 'some(other => other !== instance)', to: 'some(other => other === skeleton)' }
    ]
  },
  'S-29': {
    what: 'identify tells of the Node that runs',
    changes: [
      {
        file: 'src/node/assemble.ts',
        from: 'userAgent: AGENT_VERSION }',
        to: 'userAgent: AGENT_VERSION + process.version }'
      }
    ]
  },
  'S-30': {
    what: 'a receipt counts whoever sends it',
    changes: [{ file: 'src/mesh/lane.ts', from: 'row.instance !== this.#init.instance || ', to: '' }]
  },
  'S-33': {
    what: 'what a stream brings is thrown at nobody',
    changes: [
      {
        file: 'src/node/link.ts',
        from: 'if (!(error instanceof ProtocolError)) throw error\n      this',
        to: 'if (error !== undefined) throw error\n      this'
      }
    ]
  }
}
