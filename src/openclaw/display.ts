import { sendDurableMessageBatch } from 'openclaw/plugin-sdk/channel-outbound'
import type { DispatchOutcome, Display, Inbound } from '../mesh/ports.ts'
import { safe, shortFingerprint } from '../protocol/index.ts'
import type { HostConfig } from './host-types.ts'
import { channelState } from './inbound-channel.ts'
import { readableText } from './inert-text.ts'
import { findHostRuntime } from './runtime.ts'

/** An adapter that hangs is never interrupted by the host: after this the outcome is unknown. */
const SHOW_MAX_MS = 60_000

const NAME_MAX_CHARS = 64

export interface ChannelTarget {
  channel: string
  to: string
}

/** Shows texts on another channel of this gateway. */
export class ChannelDisplay implements Display {
  readonly #components: { config(): HostConfig }
  readonly #target: () => ChannelTarget | undefined

  constructor(components: { config(): HostConfig }, init: { target: () => ChannelTarget | undefined }) {
    this.#components = components
    this.#target = init.target
  }

  async show(inbound: Inbound, options: { signal?: AbortSignal } = {}): Promise<DispatchOutcome> {
    const target = this.#target()
    if (target === undefined) return { outcome: 'retry', detail: 'no inbound channel is set' }
    return await showText(this.#components.config(), target, messageText(inbound), options)
  }
}

/** A peer's text as a person reads it: below its sender, with nothing in it that hides or reorders. */
export function textOf(
  { from, text }: Pick<Inbound, 'from' | 'text'>,
  head = senderLine(from.name, from.instance)
): string {
  return `${head}\n${readableText(text)}`
}

/** The same of a message, which says so where it may stand there already. */
export function messageText(inbound: Pick<Inbound, 'id' | 'from' | 'text' | 'mayRepeat'>): string {
  const { id, from, mayRepeat } = inbound
  const head = senderLine(from.name, from.instance)
  return textOf(inbound, mayRepeat ? `${head} - may be a repetition of message ${id}` : head)
}

/** `name (abcd-efgh)`: a label never stands without its fingerprint. */
export function senderLine(name: string, instance: string): string {
  return `${safe(name, NAME_MAX_CHARS)} (${shortFingerprint(instance)})`
}

/**
 * Hands one text to a channel of the host. `done` only with a platform message id; `retry` only where the host says that nothing was sent or kept;
 * everything else is unknown.
 */
export async function showText(
  cfg: HostConfig,
  target: ChannelTarget,
  text: string,
  options: { signal?: AbortSignal } = {}
): Promise<DispatchOutcome> {
  const { promise: late, resolve } = Promise.withResolvers<DispatchOutcome>()
  const timer = setTimeout(
    () => resolve({ outcome: 'unknown', detail: `channel ${target.channel} did not answer` }),
    SHOW_MAX_MS
  )
  const abort = (): void => resolve({ outcome: 'unknown', detail: 'stopped while the channel was sending' })
  options.signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([sendText(cfg, target, text), late])
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', abort)
  }
}

async function sendText(cfg: HostConfig, target: ChannelTarget, text: string): Promise<DispatchOutcome> {
  const unavailable: DispatchOutcome = { outcome: 'retry', detail: `channel ${target.channel} is not available` }
  try {
    // Asked first: of a bundled channel that is not set up the host says only that sending failed, which would leave the outcome unknown.
    const runtime = findHostRuntime()
    const found = runtime && (await channelState(runtime, target.channel))
    if (found?.state === 'missing') return unavailable
    if (found?.state === 'broken')
      return { outcome: 'retry', detail: `channel ${target.channel} does not load: ${found.reason}` }
    const result = await sendDurableMessageBatch({
      cfg,
      channel: target.channel,
      to: target.to,
      payloads: [{ text }],
      durability: 'best_effort'
    })
    if (result.status === 'sent' && result.receipt.platformMessageIds.length > 0) return { outcome: 'done' }
    if (result.status === 'failed' && codeOf(result.error) === 'OPENCLAW_PLATFORM_MESSAGE_NOT_DISPATCHED') {
      return unavailable
    }
    return { outcome: 'unknown', detail: `channel ${target.channel} answered ${result.status}` }
  } catch (error) {
    return { outcome: 'unknown', detail: error instanceof Error ? error.message : String(error) }
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
}
