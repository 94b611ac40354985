import type { MeshEvent } from '../../src/mesh/events.ts'
import { Mesh } from '../../src/mesh/mesh.ts'
import type { MeshInit } from '../../src/mesh/mesh-init.ts'
import type { Agent, Display, NetworkHandler } from '../../src/mesh/ports.ts'
import type { MeshHandlers } from '../../src/mesh/requests.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeHub } from '../fakes/network.ts'
import { FakeNotices } from '../fakes/notices.ts'
import { FakeStore } from '../fakes/store.ts'

export interface MemberInit extends Partial<MeshInit> {
  agent?: Agent
  display?: Display
  /** Where it listens; what listens there already is hidden by it. */
  addresses?: string[]
}

/** Real time after which a condition that did not come true fails its test. */
const PATIENCE_MS = 30_000

/** Waits, turn by turn of the event loop, until the condition holds: signatures are made in threads, so turns cannot be counted. */
export async function eventually(condition: () => boolean, what = 'the condition'): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`${what} did not come true`)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** A few meshes over one fake network, with one clock. */
export class World {
  readonly hub = new FakeHub()
  readonly clock = new FakeClock()
  readonly #members: Member[] = []

  /** A member that runs. */
  async member(name: string, init: MemberInit = {}): Promise<Member> {
    const member = new Member(this, name, init)
    this.#members.push(member)
    await member.start()
    return member
  }

  /** Each admits the other, and discovery shows them to each other. */
  async join(one: Member, other: Member): Promise<void> {
    await one.ask.approve({ who: other.peer })
    await other.ask.approve({ who: one.peer })
    this.hub.discover(one.peer, other.peer)
    await eventually(() => one.linkedTo(other) && other.linkedTo(one), 'the link')
  }

  /** What the network tells a member, for strangers that are no members. */
  handlerOf(member: Member): NetworkHandler {
    const { handler } = this.hub.nodeOf(member.peer)
    if (handler === undefined) throw new Error('the member does not run')
    return handler
  }

  async end(): Promise<void> {
    for (const member of this.#members) await member.stop()
  }
}

/** Two members of a new world that know nothing of each other yet. */
export async function twoMembers(ofBob: MemberInit = {}): Promise<{ world: World; alice: Member; bob: Member }> {
  const world = new World()
  const alice = await world.member('alice')
  return { world, alice, bob: await world.member('bob', ofBob) }
}

export class Member {
  readonly identity: FakeInstance
  readonly store = new FakeStore()
  readonly notices = new FakeNotices()
  readonly events: MeshEvent[] = []
  log = new FakeLog()
  mesh: Mesh
  #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()
  readonly #world: World
  readonly #init: MemberInit

  constructor(world: World, name: string, init: MemberInit) {
    this.#world = world
    this.#init = { name, ...init }
    this.identity = new FakeInstance(name)
    this.mesh = this.#make()
  }

  get peer(): string {
    return this.identity.peer
  }

  get instance(): string {
    return this.identity.instance
  }

  get ask(): MeshHandlers {
    return this.mesh.handlers()
  }

  linkedTo(other: Member): boolean {
    const told = this.events.findLast(event => event.type === 'peer' && event.peerId === other.peer)
    return told?.type === 'peer' && told.state === 'connected'
  }

  async start(): Promise<void> {
    this.#stop = new AbortController()
    this.#running = this.mesh.run(this.#stop.signal)
    await this.mesh.ready()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Stops, and starts anew over the same store. */
  async restart(): Promise<void> {
    await this.stop()
    this.mesh = this.#make()
    await this.start()
  }

  #make(): Mesh {
    const { hub, clock } = this.#world
    const { agent, display, addresses, ...init } = this.#init
    return new Mesh(
      {
        network: hub.node(this.peer, addresses === undefined ? {} : { addresses }),
        store: this.store,
        signer: this.identity.signer,
        clock,
        log: this.log,
        notices: this.notices,
        onEvent: event => this.events.push(event),
        ...(agent !== undefined && { agent }),
        ...(display !== undefined && { display })
      },
      {
        meshTopic: 'mesh',
        dmPolicy: 'pairing',
        allowFrom: [],
        deliveryAckTimeoutMs: 15_000,
        version: '0.0.0',
        pendingSettings: [],
        random: () => 0.5,
        ...init
      }
    )
  }
}
