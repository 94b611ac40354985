import type { ControlClient } from '../control/client.ts'
import { MeshError } from '../mesh/errors.ts'
import type { EngineHealth } from './engine-thread.ts'

/**
 * The one live account. The host evaluates this package several times in one process (channel, tools, updates) and keeps `globalThis` across
 * hot updates, so the copies meet in a versioned slot that holds functions only.
 */
export interface LiveAccount {
  /** Grows with each account that was started in this process; the newest one is the one that answers. */
  generation: number
  client: ControlClient
  health(): EngineHealth
  /** Sender and id of the peer's message that a session of the host works on, if it does. */
  causeOf(session: string): string | undefined
}

/** Changes whenever the shape of LiveAccount does, so that an old copy never reads a new slot. */
const SLOT = Symbol.for('libp2p-mesh/account/2')

interface Slot {
  generation: number
  account?: LiveAccount
}

function slot(): Slot {
  const holder = globalThis as { [SLOT]?: Slot }
  holder[SLOT] ??= { generation: 0 }
  return holder[SLOT]
}

/** Makes this the live account; the returned function takes it out again unless a newer one has come. */
export function publishAccount(account: Omit<LiveAccount, 'generation'>): () => void {
  const shared = slot()
  shared.generation += 1
  const live: LiveAccount = { ...account, generation: shared.generation }
  shared.account = live
  return () => {
    if (shared.account === live) delete shared.account
  }
}

/** @throws MeshError `not_running` outside a gateway whose channel runs */
export function liveAccount(): LiveAccount {
  const { account } = slot()
  if (account === undefined) throw new MeshError('not_running')
  return account
}

export function findLiveAccount(): LiveAccount | undefined {
  return slot().account
}
