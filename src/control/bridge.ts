import { MeshError } from '../mesh/errors.ts'
import type { MeshEvent } from '../mesh/events.ts'
import type { Agent, DispatchOutcome, Display, Inbound, Log, Notice, Notices, TurnEvents } from '../mesh/ports.ts'
import type { Rpc, RpcHandler } from './rpc.ts'

/** What a host gives the engine. Exactly one of agent and display takes inbound messages; both may be there. */
export interface HostPorts {
  agent?: Agent
  display?: Display
  notices: Notices
  log: Log
  event(event: MeshEvent): void
}

/** Which ports the host has, so that the engine's thread knows without asking. */
export interface HostShape {
  agent: boolean
  display: boolean
}

/** The bridge's calls from the host to the engine besides the control methods: each resolves when it is done. */
export const ENGINE_START = 'engine.start'
export const ENGINE_UPDATE = 'engine.update'
export const ENGINE_STOP = 'engine.stop'
export const ENGINE_APPROVALS = 'engine.approvals'

interface LogLine {
  level: keyof Log
  message: string
  fields?: Record<string, unknown>
}

/** Turns that may run at once over one bridge; dispatch allows fewer. */
const TURNS_MAX = 64

/**
 * The engine's side: the host's ports as calls over the bridge, and the handlers through which a running turn reports back.
 * Both threads run the same release, so the shapes are types here, not schemas.
 */
export function bridgeToHost(
  rpc: () => Rpc,
  shape: HostShape
): { ports: HostPorts; handlers: Record<string, RpcHandler> } {
  const turns = new Map<number, TurnEvents>()
  let lastTurn = 0
  const log = (level: keyof Log) => (message: string, fields?: Record<string, unknown>) =>
    send(rpc(), 'host.log', { level, message, fields } satisfies LogLine)
  const agent: Agent = {
    async turn(inbound, events, options) {
      if (turns.size >= TURNS_MAX) return { outcome: 'retry', detail: 'too many turns over the bridge' }
      lastTurn += 1
      const turn = lastTurn
      turns.set(turn, events)
      try {
        return (await rpc().call('host.turn', { turn, inbound }, options)) as DispatchOutcome
      } finally {
        turns.delete(turn)
      }
    }
  }
  const display: Display = {
    show: async (inbound, options) => (await rpc().call('host.show', { inbound }, options)) as DispatchOutcome
  }
  const notices: Notices = {
    async notify(notice, options) {
      await rpc().call('host.notify', { notice }, options)
    }
  }
  const handlers: Record<string, RpcHandler> = {
    'turn.adopted': async params => {
      eventsOf(turns, params).adopted()
    },
    'turn.reply': async params => {
      await eventsOf(turns, params).reply((params as { text: string }).text)
    }
  }
  const ports: HostPorts = {
    ...(shape.agent ? { agent } : {}),
    ...(shape.display ? { display } : {}),
    notices,
    log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    event: event => send(rpc(), 'host.event', event)
  }
  return { ports, handlers }
}

/** The host's side: handlers that run the ports here, in the thread of the host. */
export function serveHost(host: HostPorts, rpc: () => Rpc): Record<string, RpcHandler> {
  return {
    'host.turn': async (params, options) => {
      const { turn, inbound } = params as { turn: number; inbound: Inbound }
      if (host.agent === undefined)
        return { outcome: 'failed', detail: 'the host runs no agent' } satisfies DispatchOutcome
      const events: TurnEvents = {
        adopted: () => send(rpc(), 'turn.adopted', { turn }),
        reply: async text => void (await rpc().call('turn.reply', { turn, text }))
      }
      return await host.agent.turn(inbound, events, options)
    },
    'host.show': async (params, options) => {
      if (host.display === undefined)
        return { outcome: 'failed', detail: 'the host shows nothing' } satisfies DispatchOutcome
      return await host.display.show((params as { inbound: Inbound }).inbound, options)
    },
    'host.notify': async (params, options) => await host.notices.notify((params as { notice: Notice }).notice, options),
    'host.log': async params => {
      const line = params as LogLine
      host.log[line.level](line.message, line.fields)
    },
    'host.event': async params => host.event(params as MeshEvent)
  }
}

function eventsOf(turns: Map<number, TurnEvents>, params: unknown): TurnEvents {
  const events = turns.get((params as { turn: number }).turn)
  if (events === undefined) throw new MeshError('not_found', { detail: 'the turn has ended' })
  return events
}

/** One-way: nobody waits for the answer, and a bridge that is closing is no error of the sender. */
function send(rpc: Rpc, method: string, params: unknown): void {
  rpc.call(method, params).catch(() => undefined)
}
