import { MeshError } from '../../../src/mesh/errors.ts'
import type { Clock, Display, Network, Store } from '../../../src/mesh/ports.ts'
import type { FakeNetwork } from '../../fakes/network.ts'
import { over } from '../seams/over.ts'

/** Ports of a process that may die between any two of its acts: from then on nothing of it reaches a disk, a wire or a screen. */
export class Life {
  dead = false
  #left = Number.POSITIVE_INFINITY
  readonly #onDeath: () => void

  constructor(init: { onDeath: () => void }) {
    this.#onDeath = init.onDeath
  }

  /** It dies at the so-manieth act on its store from now, 0 for at once. */
  endAfter(acts: number): void {
    this.#left = acts
    if (acts === 0) this.#die()
  }

  /** The rest of a transaction in which it dies is taken back, as a database does at its next start. */
  store(store: Store): Store {
    const part = <T extends object>(target: T): T =>
      new Proxy(target, {
        get: (_, name) => {
          const value: unknown = Reflect.get(target, name, target)
          if (typeof value !== 'function') return value
          return (...args: unknown[]) => {
            this.#act()
            return Reflect.apply(value, target, args)
          }
        }
      })
    const { outbox, inbox, trust, tickets, contacts, turns, notices } = store
    return over(store, {
      outbox: part(outbox),
      inbox: part(inbox),
      trust: part(trust),
      tickets: part(tickets),
      contacts: part(contacts),
      turns: part(turns),
      notices: part(notices),
      transaction: work => {
        this.#act()
        const result = store.transaction(work)
        this.#act()
        return result
      },
      setValue: (key, value) => {
        this.#act()
        store.setValue(key, value)
      }
    })
  }

  network(network: FakeNetwork): Network {
    return over<Network>(network, {
      start: (handler, options) => network.start(handler, options),
      stop: async () => {
        if (!this.dead) await network.stop()
      },
      send: (peer, frame) => !this.dead && network.send(peer, frame),
      connections: () => (this.dead ? [] : network.connections()),
      connect: async (peer, addresses, options) => {
        this.#lives()
        await network.connect(peer, addresses, options)
      },
      disconnect: async peer => {
        if (!this.dead) await network.disconnect(peer)
      }
    })
  }

  display(display: Display): Display {
    return {
      show: async (inbound, options) => {
        this.#lives()
        const outcome = await display.show(inbound, options)
        this.#lives()
        return outcome
      }
    }
  }

  /** Its own clock on the wall: others may say something else. */
  clock(clock: Clock, offsetMs: () => number): Clock {
    return over(clock, { wallMs: () => clock.wallMs() + offsetMs() })
  }

  #act(): void {
    this.#lives()
    this.#left--
    if (this.#left <= 0) this.#die()
    this.#lives()
  }

  #lives(): void {
    if (this.dead) throw new MeshError('store_failed', { detail: 'the process is gone' })
  }

  #die(): void {
    if (this.dead) return
    this.dead = true
    this.#onDeath()
  }
}
