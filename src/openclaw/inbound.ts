import { homedir, hostname, release, type as systemType } from 'node:os'
import type { Agent, DispatchOutcome, Inbound, Log, TurnEvents } from '../mesh/ports.ts'
import { safe } from '../protocol/index.ts'
import { PLUGIN_ID } from '../settings/plugin-id.ts'
import { ACCOUNT_ID } from './account-config.ts'
import { senderLine } from './display.ts'
import { frameText } from './frame-text.ts'
import type { ChannelRuntime, HostConfig } from './host-types.ts'
import { type Machine, privateReply } from './private-reply.ts'
import { SessionTurns } from './session-turns.ts'

/** Agent that answers peers; routing to others comes with the host's own bindings. */
const AGENT_ID = 'main'

/** Longest reason in a log line. */
const REASON_MAX_CHARS = 200

export interface InboundComponents {
  channelRuntime: ChannelRuntime
  config(): HostConfig
  log: Log
  /** What the owner lets trusted peers use. */
  tools(): readonly string[]
  /** Shared with who asks what a session works on. @default one of its own */
  turns?: SessionTurns
  /** Runs work in the async context that startAccount saw: the host refuses any other after a hot update. */
  inAccountContext<T>(work: () => T): T
}

/** What became of a dispatch, noted while it runs. */
interface Progress {
  adopted: boolean
  replied: boolean
  /** Why an answer was not committed. The host only notes what is thrown in its callbacks: the dispatch returns as if nothing were wrong. */
  refused?: string
}

/**
 * Runs a peer's text as a turn of the local agent, in a session of the peer alone, with the tools of its tier, which are none for most, and without
 * command rights.
 *
 * The session key has the shape of a sub-agent's: the host re-runs interrupted turns of ordinary sessions by itself, with every tool, and leaves
 * these to us.
 */
export class InboundAgent implements Agent {
  readonly #components: InboundComponents
  readonly #turns: SessionTurns

  constructor(components: InboundComponents) {
    this.#components = components
    this.#turns = components.turns ?? new SessionTurns()
  }

  async turn(inbound: Inbound, events: TurnEvents, options: { signal?: AbortSignal } = {}): Promise<DispatchOutcome> {
    // What a turn without a tool can do is say its answer once more; one with tools may have acted.
    if (inbound.adoptedBefore && this.#toolsOf(inbound).length > 0)
      return { outcome: 'unknown', detail: 'a turn with tools was cut off' }
    const work = (): Promise<DispatchOutcome> => this.#run(inbound, events, options)
    const cause = `${inbound.from.instance}/${inbound.id}`
    const outcome = await this.#turns.run(sessionKeyOf(inbound), work, { ...options, cause })
    return outcome ?? { outcome: 'retry', detail: 'another turn of this peer is running' }
  }

  #toolsOf({ tier }: Inbound): string[] {
    return tier === 'trusted' ? [...this.#components.tools()] : []
  }

  async #run(inbound: Inbound, events: TurnEvents, options: { signal?: AbortSignal }): Promise<DispatchOutcome> {
    const progress: Progress = { adopted: false, replied: false }
    try {
      await this.#components.inAccountContext(() => this.#dispatch(inbound, events, progress, options.signal))
    } catch (error) {
      const detail = messageOf(error)
      // Before adoption nothing has happened at the host: a drain, a busy state database, a refused context.
      return { outcome: progress.adopted ? 'unknown' : 'retry', detail }
    } finally {
      if (progress.refused !== undefined)
        this.#components.log.warn('An answer was not accepted.', { id: inbound.id, error: progress.refused })
    }
    if (progress.replied) return { outcome: 'done' }
    // An aborted dispatch returns as if nothing were wrong.
    if (options.signal?.aborted === true) return { outcome: progress.adopted ? 'unknown' : 'retry', detail: 'stopped' }
    if (progress.refused !== undefined) return { outcome: 'failed', detail: progress.refused }
    if (progress.adopted) return { outcome: 'done' }
    return { outcome: 'retry', detail: 'the host took no turn' }
  }

  async #dispatch(
    inbound: Inbound,
    events: TurnEvents,
    progress: Progress,
    signal: AbortSignal | undefined
  ): Promise<void> {
    const { channelRuntime } = this.#components
    const tools = this.#toolsOf(inbound)
    const cfg = this.#components.config()
    const sessionKey = sessionKeyOf(inbound)
    const senderId = `mesh-${inbound.from.peer}`
    const access = await channelRuntime.inbound.ingress.resolveStable({
      channelId: PLUGIN_ID,
      accountId: ACCOUNT_ID,
      cfg,
      identity: { key: 'peer', entryIdPrefix: 'mesh' },
      // Our own admission has let this peer in before the text came here; the host's lists say nothing about the mesh.
      useDefaultPairingStore: false,
      dmPolicy: 'allowlist',
      allowFrom: [senderId],
      subject: { stableId: senderId },
      conversation: { kind: 'direct', id: senderId },
      contextBinding: {
        agentId: AGENT_ID,
        sessionKey,
        messageId: inbound.hostMessageId,
        inboundEventKind: 'user_request'
      }
    })
    if (access.ingress.admission !== 'dispatch')
      throw new Error(`the host's ingress answered ${access.ingress.admission}`)
    const body = frameText(inbound)
    const ctxPayload = await channelRuntime.inbound.buildContext({
      channel: PLUGIN_ID,
      accountId: ACCOUNT_ID,
      messageId: inbound.hostMessageId,
      messageIdFull: inbound.hostMessageId,
      timestamp: inbound.sentMs,
      from: senderId,
      sender: { id: senderId, name: senderLine(inbound.from.name, inbound.from.instance) },
      conversation: { kind: 'direct', id: senderId },
      route: {
        agentId: AGENT_ID,
        accountId: ACCOUNT_ID,
        dmScope: 'per-account-channel-peer',
        routeSessionKey: sessionKey,
        dispatchSessionKey: sessionKey
      },
      reply: { to: inbound.from.peer, originatingTo: inbound.from.peer },
      // Nowhere the bare text: the host looks for commands, directives and addresses in each of these.
      message: { body, bodyForAgent: body, rawBody: body, commandBody: body },
      channelIngress: access,
      // "/reset" from a peer is text, never a command of the owner.
      extra: { CommandInterpretationSuppressed: true }
    })
    // Without a route of its own the host claims no recovery for this turn: after a crash such a claim would refuse every later turn of the session,
    // and the host has nowhere to speak to by itself. Answers come through deliver below.
    Reflect.deleteProperty(ctxPayload, 'OriginatingTo')
    await channelRuntime.inbound.dispatch({
      cfg,
      channel: PLUGIN_ID,
      accountId: ACCOUNT_ID,
      route: { agentId: AGENT_ID, dmScope: 'per-account-channel-peer', sessionKey },
      ctxPayload,
      delivery: {
        deliver: async (payload: { text?: string }, info: { kind: string }) => {
          if (info.kind !== 'final' || payload.text === undefined || payload.text.trim() === '') return
          await events.reply(privateReply(payload.text, machine()))
          progress.replied = true
        },
        onError: (error: unknown) => {
          progress.refused = safe(messageOf(error), REASON_MAX_CHARS)
        }
      },
      replyOptions: {
        sourceReplyDeliveryMode: 'automatic',
        // Beside them the host may offer its tool search, which finds and calls none but these.
        toolsAllow: tools,
        // Whole answers only: with the owner's streaming on, the pieces would come one by one and the final would not repeat them.
        disableBlockStreaming: true,
        abortSignal: signal,
        turnAdoptionLifecycle: {
          admission: 'exclusive',
          onAdopted: () => {
            progress.adopted = true
            events.adopted()
          }
        }
      },
      replyPipeline: {}
    })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Asked each time: a laptop changes its name with the network. */
function machine(): Machine {
  const version = release()
  return { hostName: hostname(), system: [`${systemType()} ${version}`, version], folders: [homedir()] }
}

function sessionKeyOf(inbound: Inbound): string {
  return `agent:${AGENT_ID}:subagent:${PLUGIN_ID}-${inbound.from.peer.toLowerCase()}`
}
