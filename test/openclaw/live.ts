import { onTestFinished } from 'vitest'
import type { ControlClient } from '../../src/control/client.ts'
import type { Peer, SendResult, Status } from '../../src/control/methods.ts'
import type { EngineHealth } from '../../src/openclaw/engine-thread.ts'
import { publishAccount } from '../../src/openclaw/slot.ts'

export interface Call {
  method: string
  params: Record<string, unknown>
  signal: AbortSignal | undefined
}

/** Publishes an account whose engine answers as the test says, for one test; returns what it was asked. */
export function goLive(
  answer: (call: Call) => unknown,
  health: EngineHealth = { running: true, restarts: 0 },
  causeOf: (session: string) => string | undefined = () => undefined
): Call[] {
  const calls: Call[] = []
  const call = async (method: string, params: unknown, options?: { signal?: AbortSignal }): Promise<unknown> => {
    const asked = { method, params: params as Record<string, unknown>, signal: options?.signal }
    calls.push(asked)
    return await answer(asked)
  }
  const client = { call, close: async () => undefined } as unknown as ControlClient
  onTestFinished(publishAccount({ client, health: () => health, causeOf }))
  return calls
}

export const SENT: SendResult = {
  id: 'ab'.repeat(16),
  level: 'delivered',
  path: 'lan',
  ms: 12.4,
  reply: null,
  to: { instanceId: 'bob@aaaa-bbbb-cccc-dddd-eeee-ffff', peerId: '12D3KooWbob', name: 'bob' },
  reason: null,
  repeated: false
}

export const PEER: Peer = {
  instanceId: SENT.to.instanceId,
  peerId: SENT.to.peerId,
  name: 'bob',
  trust: 'paired',
  path: 'lan',
  rttMs: 0.6,
  lastSeenAt: '2026-01-02T03:04:05.000Z',
  queued: 0
}

export const STATUS: Status = {
  peerId: '12D3KooWself',
  instanceId: 'self@gggg-hhhh-iiii-jjjj-kkkk-llll',
  addresses: [],
  reachability: 'unknown',
  reachabilityReason: 'Nobody outside has been asked yet.',
  relays: [],
  relay: null,
  peers: 1,
  version: '1.0.0',
  startedAt: '2026-01-02T03:04:05.000Z',
  outbox: { waiting: 0 },
  inbox: { open: 0, unknown: 0 },
  notices: { unread: 0 },
  pendingSettings: [],
  gauges: [],
  issues: []
}

/** The error of a promise that must reject. */
export async function refusalOf(promise: Promise<unknown>): Promise<Error> {
  return await promise.then(
    () => {
      throw new Error('it did not reject')
    },
    (error: unknown) => error as Error
  )
}
