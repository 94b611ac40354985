import { describe, expect, it } from 'vitest'
import type { HostRound } from '../../src/mesh/host-approvals.ts'
import type { HostConfig } from '../../src/openclaw/host-types.ts'
import { HostPairing } from '../../src/openclaw/pairing.ts'
import { FakeLog } from '../fakes/log.ts'

const OWNED: HostConfig = { commands: { ownerAllowFrom: ['telegram:7'] } }
const ID = 'request-00112233aabbccdd'
const OPEN = { id: ID, instanceId: 'ana@aaaa-bbbb-cccc-dddd-eeee-ffff', purpose: 'the build machine' }
const WHERE = { channel: 'libp2p-mesh', accountId: 'default' }

function hosting(first: HostConfig = OWNED) {
  const log = new FakeLog()
  const state = {
    config: first,
    allowed: [] as string[],
    pending: [] as { id: string; meta: object }[],
    round: { open: [], done: [] } as HostRound,
    trouble: undefined as Error | undefined,
    stuck: [] as string[],
    asked: [] as string[][]
  }
  const pairing = new HostPairing({
    lists: {
      readAllowFromStore: async where => {
        expect(where).toEqual(WHERE)
        if (state.trouble !== undefined) throw state.trouble
        return state.allowed
      },
      removeAllowFromStoreEntry: async ({ entry }) => {
        if (state.stuck.includes(String(entry))) throw new Error('database is locked')
        state.allowed = state.allowed.filter(each => each !== entry)
        return { changed: true, allowFrom: state.allowed }
      },
      upsertPairingRequest: async ({ id, meta = {} }) => {
        const known = state.pending.find(each => each.id === id)
        if (known === undefined && state.pending.length >= 3) return { code: '', created: false }
        if (known === undefined) state.pending.push({ id: String(id), meta })
        else known.meta = meta
        return { code: 'ABCD2345', created: known === undefined }
      }
    },
    config: () => state.config,
    approvals: async entries => {
      state.asked.push(entries)
      return state.round
    },
    log
  })
  return { state, log, pairing }
}

describe('the pairing list of the host', () => {
  it('shows a request while there is an owner on another channel, and says what to run', async () => {
    const { state, log, pairing } = hosting()
    state.round = { open: [OPEN], done: [] }
    await pairing.look()
    await pairing.look()
    expect(state.pending).toEqual([{ id: ID, meta: { senderId: OPEN.instanceId, purpose: OPEN.purpose } }])
    expect(log.lines.map(({ message }) => message)).toEqual([
      `${OPEN.instanceId} asks to be let in; run: openclaw p2p approve aaaa-bbbb-cccc-dddd-eeee-ffff, or: openclaw pairing approve libp2p-mesh ABCD2345`
    ])
  })

  it.each([
    [{}],
    [{ commands: { ownerAllowFrom: [] } }],
    [{ commands: { ownerAllowFrom: ['*'] } }],
    [{ commands: { ownerAllowFrom: ['telegram:*'] } }],
    [{ commands: { ownerAllowFrom: ['libp2p-mesh:12D3KooWmallory'] } }],
    [{ commands: { ownerAllowFrom: [' LIBP2P-Mesh : 12D3KooWmallory', 'accessGroup:owners'] } }]
  ])('S-21: stays empty without one, so that nobody becomes the owner: %j', async config => {
    const { state, pairing } = hosting(config)
    state.round = { open: [OPEN], done: [] }
    await pairing.look()
    expect(state.pending).toEqual([])
    state.config = OWNED
    await pairing.look()
    expect(state.pending).toHaveLength(1)
  })

  it('hands approvals over and is emptied of those that were dealt with', async () => {
    const { state, pairing } = hosting()
    state.allowed = [ID, 'somebody else']
    state.round = { open: [], done: [ID] }
    await pairing.look()
    expect(state.asked).toEqual([[ID, 'somebody else']])
    expect(state.allowed).toEqual(['somebody else'])
  })

  it('S2.29: hands an approval over once, also while the host does not forget it', async () => {
    const { state, log, pairing } = hosting()
    state.allowed = [ID, 'somebody else']
    state.stuck = [ID]
    state.round = { open: [{ ...OPEN, id: 'request-2' }], done: [ID] }
    await pairing.look()
    // The list cannot be written, and the request of somebody else is shown all the same.
    expect(state.pending).toHaveLength(1)
    state.round = { open: [], done: [] }
    await pairing.look()
    expect(state.asked).toEqual([[ID, 'somebody else'], ['somebody else']])
    expect(log.at('warn')).toEqual([expect.stringContaining('database is locked')])
    state.stuck = []
    await pairing.look()
    expect(state.allowed).toEqual(['somebody else'])
    // Approved anew at the host, it is handed over anew.
    state.allowed = [ID]
    await pairing.look()
    expect(state.asked.slice(2)).toEqual([['somebody else'], [ID]])
  })

  it('keeps no words of a request that was decided here, and says that it was', async () => {
    const { state, pairing } = hosting()
    state.round = { open: [OPEN], done: [] }
    await pairing.look()
    state.round = { open: [], done: [] }
    await pairing.look()
    expect(state.pending).toEqual([{ id: ID, meta: { senderId: 'decided in the mesh, ignore' } }])
  })

  it('takes no more than the host does, and the rest when there is room', async () => {
    const { state, pairing } = hosting()
    const open = [1, 2, 3, 4].map(number => ({ ...OPEN, id: `request-${number}`, purpose: '' }))
    state.round = { open, done: [] }
    await pairing.look()
    expect(state.pending.map(({ id }) => id)).toEqual(['request-1', 'request-2', 'request-3'])
    state.pending = state.pending.slice(1)
    state.round = { open: open.slice(1), done: ['request-1'] }
    await pairing.look()
    expect(state.pending.map(({ id }) => id)).toEqual(['request-2', 'request-3', 'request-4'])
  })

  it('says once that the host is busy, and goes on', async () => {
    const { state, log, pairing } = hosting()
    state.trouble = new Error('another process owns\u001b[2J state-lifecycle')
    await pairing.look()
    await pairing.look()
    expect(log.at('warn')).toHaveLength(1)
    expect(log.at('warn').join()).not.toContain('\u001b')
    state.trouble = undefined
    state.round = { open: [OPEN], done: [] }
    await pairing.look()
    expect(state.pending).toHaveLength(1)
  })
})
