import type { Notice, Notices } from '../mesh/ports.ts'
import { type ChannelTarget, senderLine, showText } from './display.ts'
import type { HostConfig, SystemEvents } from './host-types.ts'

export interface NoticesComponents {
  config(): HostConfig
  system: SystemEvents
}

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
      const { from, text, topic } = notice.broadcast
      return await this.#toOwner(`${senderLine(from.name, from.instance)} to all on ${topic}\n${text}`, options)
    }
    if (notice.kind === 'message') {
      const { from, text } = notice.inbound
      return await this.#toOwner(`${senderLine(from.name, from.instance)}\n${text}`, options)
    }
    if (notice.session !== undefined) {
      // The fingerprint alone: a name is what the peer calls itself.
      const sentence = `libp2p-mesh: message ${notice.id} to instance ${notice.to.instance} is now ${notice.state}.`
      this.#components.system.enqueueSystemEvent(sentence, {
        sessionKey: notice.session,
        contextKey: `libp2p-mesh:${notice.id}`
      })
    }
    if (notice.reply !== undefined)
      await this.#toOwner(
        `${senderLine(notice.to.name, notice.to.instance)} answered message ${notice.id}:\n${notice.reply.text}`,
        options
      )
  }

  /** @throws Error when the channel did not take the text for sure; an owner without another channel looks for it himself. */
  async #toOwner(text: string, options: { signal?: AbortSignal }): Promise<void> {
    const target = this.#inbound() ?? ownerOutsideMesh(this.#components.config())
    if (target === undefined) return
    const shown = await showText(this.#components.config(), target, text, options)
    if (shown.outcome !== 'done') throw new Error(shown.detail)
  }
}

/** The first concrete owner on another channel: `commands.ownerAllowFrom` entries read `channel:id`, split at the first colon. */
export function ownerOutsideMesh(cfg: HostConfig): ChannelTarget | undefined {
  for (const entry of cfg.commands?.ownerAllowFrom ?? []) {
    const text = String(entry)
    const colon = text.indexOf(':')
    const channel = text.slice(0, colon)
    const to = text.slice(colon + 1)
    if (colon > 0 && to !== '' && to !== '*' && channel !== 'libp2p-mesh') return { channel, to }
  }
  return undefined
}
