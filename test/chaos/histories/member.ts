import { openRow } from '../../../src/mesh/inbox-row.ts'
import { Mesh } from '../../../src/mesh/mesh.ts'
import type { Inbound, Log, NetworkHandler } from '../../../src/mesh/ports.ts'
import type { MeshHandlers } from '../../../src/mesh/requests.ts'
import { textOf } from '../../../src/protocol/index.ts'
import type { FakeClock } from '../../fakes/clock.ts'
import { FakeInstance } from '../../fakes/instance.ts'
import { FakeLog } from '../../fakes/log.ts'
import type { FakeHub } from '../../fakes/network.ts'
import { FakeNotices } from '../../fakes/notices.ts'
import { FakeStore } from '../../fakes/store.ts'
import { over } from '../seams/over.ts'
import { Life } from './mortal.ts'

/** What the dispatch of a mesh logs, with the id. */
const GOES_ON = 'A conversation goes on without an earlier message.'

export interface MemberInit {
  name: string
  random: () => number
  /** Called before a text counts as shown; resolves when the channel has it. */
  show: (inbound: Inbound) => Promise<void>
  /** Called with the text with which it goes on though an earlier one is missing. */
  passed: (text: string) => void
}

/** One instance with its disk, in whichever of its lives. */
export class Member {
  readonly name: string
  readonly identity: FakeInstance
  readonly store = new FakeStore()
  /** Its clock on the wall is wrong by so much, ms. */
  skewMs = 0
  /** Whom its owner shut out. */
  readonly shutOut = new Set<string>()
  readonly #hub: FakeHub
  readonly #clock: FakeClock
  readonly #init: MemberInit
  #life: Life | undefined
  #mesh: Mesh | undefined
  #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(components: { hub: FakeHub; clock: FakeClock }, init: MemberInit) {
    this.#hub = components.hub
    this.#clock = components.clock
    this.#init = init
    this.name = init.name
    this.identity = new FakeInstance(init.name)
  }

  get peer(): string {
    return this.identity.peer
  }

  /** Undefined while it does not run. */
  get ask(): MeshHandlers | undefined {
    return this.up ? this.#mesh?.handlers() : undefined
  }

  get up(): boolean {
    return this.#life?.dead === false
  }

  /** Its present life, to see later whether it was still the same. */
  get life(): Life | undefined {
    return this.#life
  }

  /** What the network tells it. */
  get handler(): NetworkHandler | undefined {
    return this.#hub.nodeOf(this.peer).handler
  }

  async start(): Promise<void> {
    const network = this.#hub.node(this.peer)
    const life = new Life({
      onDeath: () => {
        // First nobody hears anything any more, then the others notice.
        network.handler = undefined
        for (const pair of this.#hub.pairsOf(this.peer)) this.#hub.drop(...pair.peers)
        this.#stop.abort()
      }
    })
    this.#life = life
    this.#stop = new AbortController()
    const { name, random, show } = this.#init
    const mesh = new Mesh(
      {
        network: life.network(network),
        store: life.store(this.store),
        signer: this.identity.signer,
        clock: life.clock(this.#clock, () => this.skewMs),
        log: over<Log>(new FakeLog(), { warn: (message, fields) => this.#warned(message, fields) }),
        notices: new FakeNotices(),
        display: life.display({
          show: async inbound => {
            await show(inbound)
            return { outcome: 'done' }
          }
        })
      },
      {
        name,
        meshTopic: 'mesh',
        dmPolicy: 'pairing',
        allowFrom: [],
        deliveryAckTimeoutMs: 15_000,
        version: '0.0.0',
        pendingSettings: [],
        random
      }
    )
    this.#mesh = mesh
    this.#running = mesh.run(this.#stop.signal)
    // A life that ends while it starts ends with an error that nobody needs.
    await Promise.all([mesh.ready(), Promise.race([this.#running, mesh.ready()])]).catch(error => {
      if (!life.dead) throw error
    })
    this.#running.catch(() => undefined)
  }

  async stop(): Promise<void> {
    const life = this.#life
    this.#stop.abort()
    await this.#running.catch(error => {
      if (life?.dead !== true) throw error
    })
    this.#life = undefined
  }

  #warned(message: string, { id }: { id?: unknown } = {}): void {
    if (message !== GOES_ON) return
    const [row] = this.store.inbox.named(String(id), 1)
    if (row !== undefined) this.#init.passed(textOf(openRow(row).content))
  }

  /** Dies after so many acts on its store. */
  kill(acts: number): void {
    this.#life?.endAfter(acts)
  }
}
