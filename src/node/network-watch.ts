import type { NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { isInner } from './address-order.ts'

/** How often this machine's addresses are looked at: a tenth of the time in which the mesh has to be back after a change. */
const LOOK_MS = 1_000

/** A timer that is this late did not run: the machine slept, or was stopped. A busy one is late by far less, and a clock that was set looks the same. */
const SLEPT_MS = 8_000

export type NetworkChange = 'addresses' | 'woke'

/** Says when this machine has other addresses than before, and when it wakes up. */
export class NetworkWatch {
  readonly #interfaces: typeof networkInterfaces
  readonly #wallMs: () => number
  readonly #onChange: (change: NetworkChange) => void
  readonly #lookMs: number
  #timer: NodeJS.Timeout | undefined
  /** What was seen last, and what was acted upon. */
  #last = ''
  #told = ''
  #lookedMs = 0

  /** @param components `wallMs`: the clock on the wall; the monotonic one stands still while a machine sleeps */
  constructor(
    components: {
      interfaces: typeof networkInterfaces
      wallMs: () => number
      onChange: (change: NetworkChange) => void
    },
    init: { lookMs?: number } = {}
  ) {
    this.#interfaces = components.interfaces
    this.#wallMs = components.wallMs
    this.#onChange = components.onChange
    this.#lookMs = init.lookMs ?? LOOK_MS
  }

  start(): void {
    this.#last = this.#addresses()
    this.#told = this.#last
    this.#lookedMs = this.#wallMs()
    this.#timer = setInterval(() => this.#look(), this.#lookMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const nowMs = this.#wallMs()
    const slept = nowMs - this.#lookedMs > this.#lookMs + SLEPT_MS
    this.#lookedMs = nowMs
    const addresses = this.#addresses()
    // An interface that comes up takes a moment until it has all of its addresses: two looks have to agree.
    const moved = addresses !== this.#told && addresses === this.#last
    this.#last = addresses
    if (moved) this.#told = addresses
    if (moved) this.#onChange('addresses')
    else if (slept) this.#onChange('woke')
  }

  /** Of those that lead to others; containers and virtual machines come and go all day. */
  #addresses(): string {
    return Object.entries(this.#interfaces())
      .filter(([name]) => !isInner(name))
      .flatMap(([name, infos = []]) =>
        infos.filter(leadsOn).map(({ address, netmask }) => `${name} ${address} ${netmask}`)
      )
      .toSorted()
      .join('\n')
  }
}

function leadsOn({ address, internal }: NetworkInterfaceInfo): boolean {
  return !internal && !/^(?:fe80|169\.254\.)/i.test(address)
}
