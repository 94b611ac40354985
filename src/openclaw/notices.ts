import type { Notice, Notices } from '../mesh/ports.ts'
import { PLUGIN_ID } from '../settings/plugin-id.ts'
import { type ChannelTarget, messageText, senderLine, showText, textOf } from './display.ts'
import type { HostConfig, SystemEvents } from './host-types.ts'
import { channelState } from './inbound-channel.ts'
import { findHostRuntime } from './runtime.ts'

export interface NoticesComponents {
  config(): HostConfig
  system: SystemEvents
}

/** Owners that are looked at: asking for a channel may take seconds. */
const OWNERS_MAX = 8

/** What stands before the colon of entries that are no owner elsewhere. */
const NOT_OUTSIDE: readonly string[] = ['', PLUGIN_ID, 'accessgroup']

/** Whether a text of a peer may be missed where nobody reads: it is kept elsewhere. A notice may not. */
type Urgency = 'text' | 'notice'

/**
 * Tells the owner through another channel, and the session that asked by a system event: fixed sentences with ids, never text of a peer, because
 * the agent reads them beside its system context.
 */
export class HostNotices implements Notices {
  readonly #components: NoticesComponents
  readonly #inbound: () => ChannelTarget | undefined

  constructor(components: NoticesComponents, init: { inbound: () => ChannelTarget | undefined }) {
    this.#components = components
    this.#inbound = init.inbound
  }

  async notify(notice: Notice, options: { signal?: AbortSignal } = {}): Promise<void> {
    if (notice.kind === 'broadcast') {
      const { from, topic } = notice.broadcast
      const head = `${senderLine(from.name, from.instance)} to all on ${topic}`
      return await this.#toOwner(textOf(notice.broadcast, head), 'text', options)
    }
    if (notice.kind === 'message') return await this.#toOwner(messageText(notice.inbound), 'text', options)
    if (notice.kind === 'owner') return await this.#toOwner(`libp2p-mesh: ${notice.text}`, 'notice', options)
    if (notice.kind === 'answer') {
      const { inbound, question } = notice
      const head = `${senderLine(inbound.from.name, inbound.from.instance)} answered message ${question}:`
      return await this.#toOwner(textOf(inbound, head), 'text', options)
    }
    this.#toSession(notice)
  }

  /** The host keeps it in memory until the next turn of the session on a channel. */
  #toSession({ ids, session, state, to }: Extract<Notice, { kind: 'settled' }>): void {
    const which = ids.length === 1 ? `message ${ids[0]}` : `messages ${ids.join(', ')}`
    // The fingerprint alone: a name is what the peer calls itself.
    const what = `libp2p-mesh: ${which} to instance ${to.instance} ${ids.length === 1 ? 'is' : 'are'} now ${state}.`
    // False where it has this sentence already, or where its sessions are being exchanged: what nobody looked at is told again after the next start.
    this.#components.system.enqueueSystemEvent(`${what} See p2p_message_status.`, {
      sessionKey: session,
      contextKey: `libp2p-mesh:${ids[0]}`
    })
  }

  /**
   * To the inbound channel, and to the owner elsewhere where that one has surely not taken it.
   *
   * @throws Error when a text was not taken for sure, or when a notice surely was not: that one would be shown again
   */
  async #toOwner(text: string, urgency: Urgency, options: { signal?: AbortSignal }): Promise<void> {
    const owner = await ownerOutsideMesh(this.#components.config())
    const targets = [this.#inbound(), owner].filter(target => target !== undefined)
    let refused = urgency === 'notice' ? 'there is no owner on another channel' : undefined
    for (const target of targets) {
      const shown = await showText(this.#components.config(), target, text, options)
      if (shown.outcome === 'done') return
      refused = urgency === 'notice' && shown.outcome === 'unknown' ? undefined : shown.detail
      if (shown.outcome !== 'retry') break
    }
    if (refused !== undefined) throw new Error(refused)
  }
}

/**
 * The first concrete owner on another channel that this gateway has, of the entries `channel:id` in `commands.ownerAllowFrom`. Where the channels cannot
 * be asked for, each is taken as there.
 */
export async function ownerOutsideMesh(cfg: HostConfig): Promise<ChannelTarget | undefined> {
  const runtime = findHostRuntime()
  for (const owner of ownersOutsideMesh(cfg)) {
    const found = runtime && (await channelState(runtime, owner.channel))
    if (found?.state !== 'missing') return owner
  }
  return undefined
}

/** Split at the first colon, as the host does; it takes channels in any case. A group is nobody who could be told. */
function ownersOutsideMesh(cfg: HostConfig): ChannelTarget[] {
  return (cfg.commands?.ownerAllowFrom ?? [])
    .slice(0, OWNERS_MAX)
    .map(entry => {
      const [channel = '', ...rest] = String(entry).split(':')
      return { channel: channel.trim().toLowerCase(), to: rest.join(':').trim() }
    })
    .filter(({ channel, to }) => !NOT_OUTSIDE.includes(channel) && to !== '' && to !== '*')
}
