import { createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import type { Log } from '../mesh/ports.ts'
import type { Issues } from './issues.ts'
import type { TransportManager } from './transport-manager.ts'

/** A port that was taken may be free again after a while. */
const RETRY_MS = 30_000

export type Listener = Pick<TransportManager, 'listen'>

/**
 * Listens on each configured address by itself. One that fails costs only itself: it is said in the issues and tried again.
 */
export class Listening {
  readonly #listener: Listener
  readonly #log: Log
  readonly #issues: Issues
  readonly #addresses: string[]
  readonly #waiting = new Set<string>()
  /** Of those, the ones that are being tried again at the moment. */
  readonly #trying = new Set<string>()
  readonly #retryMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(
    components: { listener: Listener; log: Log; issues: Issues },
    init: { addresses: string[]; retryMs?: number }
  ) {
    this.#listener = components.listener
    this.#log = components.log
    this.#issues = components.issues
    this.#addresses = init.addresses
    this.#retryMs = init.retryMs ?? RETRY_MS
  }

  async start(): Promise<void> {
    await Promise.all(this.#addresses.map(address => this.#listen(address)))
    const retry = (): void => {
      for (const address of this.#waiting) this.#retry(address)
    }
    this.#timer = setInterval(retry, this.#retryMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #listen(address: string): Promise<void> {
    try {
      await this.#listener.listen([multiaddr(address)])
      this.#waiting.delete(address)
      if (this.#issues.clear(address)) this.#log.info('listening again', { address })
    } catch (error) {
      const reason = reasonOf(error)
      if (reason.retry) this.#waiting.add(address)
      const news = this.#issues.report(address, `Cannot listen on ${address}: ${reason.words}.`)
      if (news) this.#log.warn('cannot listen', { address, reason: reason.words })
    }
  }

  /** A failed try leaves a listener behind in libp2p, so the port is asked first whether it is free. */
  #retry(address: string): void {
    const [, host, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? []
    if (host === undefined || this.#trying.has(address)) return
    this.#trying.add(address)
    const probe = createServer()
    probe.on('error', error => {
      this.#trying.delete(address)
      this.#log.debug('still cannot listen', { address, reason: error.message })
    })
    // As libp2p does: else an IPv6 port would look taken where this node has it in IPv4.
    probe.listen({ host, port: Number(port), ipv6Only: host.includes(':') }, () => {
      probe.close(() => void this.#listenAgain(address))
    })
  }

  async #listenAgain(address: string): Promise<void> {
    if (this.#timer !== undefined) await this.#listen(address)
    this.#trying.delete(address)
  }
}

/** The transport manager gives one error for all of an address's listeners, with the system's code inside its text. */
function reasonOf(error: unknown): { words: string; retry: boolean } {
  const text = error instanceof Error ? error.message : ''
  if (text.includes('EADDRINUSE')) return { words: 'the port is taken by another program', retry: true }
  if (text.includes('EACCES')) return { words: 'this user may not use the port', retry: true }
  if (text.includes('EADDRNOTAVAIL')) return { words: 'this machine does not have the address', retry: true }
  return { words: 'it is not an address that this node can listen on', retry: false }
}
