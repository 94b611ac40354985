import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { ControlClient } from '../../src/control/client.ts'
import type { Status } from '../../src/control/methods.ts'
import { connectControl } from '../../src/control/socket.ts'
import type { BareNode } from '../integration/harness/bare-node.ts'
import type { JsonEvent } from '../integration/harness/json-events.ts'
import { createStage, type Stage } from '../integration/harness/stage.ts'
import { Attacker, type AttackerInit, type AttackLink } from './attacker.ts'

/** How long an honest text may take beside an attack, ms. */
const HONEST_MAX_MS = 10_000

/** A node as its owner sees it. */
export interface Owned {
  node: BareNode
  call: ControlClient['call']
  close(): Promise<void>
}

/** A node that is attacked, an honest peer of it that goes on beside the attack, and the attackers. */
export class Scene implements AsyncDisposable {
  readonly stage: Stage
  readonly #settings: Record<string, unknown>
  readonly #attackers: Attacker[] = []
  #victim: Owned
  readonly #honest: Owned
  #said = 0

  constructor(components: { stage: Stage; victim: Owned; honest: Owned }, init: { settings: Record<string, unknown> }) {
    this.stage = components.stage
    this.#victim = components.victim
    this.#honest = components.honest
    this.#settings = init.settings
  }

  get victim(): Owned {
    return this.#victim
  }

  get honest(): Owned {
    return this.#honest
  }

  async attacker(init: AttackerInit = {}): Promise<Attacker> {
    const created = await Attacker.create(init)
    this.#attackers.push(created)
    return created
  }

  /** An attacker whom the victim's owner once let in, with a link. */
  async paired(init: AttackerInit = {}, by: Owned = this.#victim): Promise<{ mallory: Attacker; link: AttackLink }> {
    const mallory = await this.attacker(init)
    await by.call('approve', { who: mallory.peerId })
    const link = await mallory.link(by.node)
    expect(await link.greeted()).toBe(true)
    return { mallory, link }
  }

  /** A text of the honest peer arrives and is shown, once. */
  async honestWorks(): Promise<void> {
    const text = `honest ${this.#said++}`
    const sent = await this.#honest.call('send', {
      target: this.#victim.node.peerId,
      text,
      waitFor: 'delivered',
      timeoutMs: HONEST_MAX_MS
    })
    expect(sent.level).toBe('delivered')
    expect(this.shown(text)).toHaveLength(1)
  }

  /** What its owner would see of a node that is well. */
  async victimIsWell(): Promise<void> {
    const { process, events } = this.#victim.node
    expect([process.exitCode, process.signalCode]).toEqual([null, null])
    expect(events.strays).toEqual([])
    const { gauges, issues } = await this.status()
    expect(gauges.filter(({ size, max }) => size > max)).toEqual([])
    expect(issues).toEqual([])
    expect(this.log().filter(line => !line.startsWith('[libp2p-mesh] ') || line.includes('error: '))).toEqual([])
  }

  async status(): Promise<Status> {
    return await this.#victim.call('status', {})
  }

  async gauge(name: string): Promise<number> {
    return (await this.status()).gauges.find(gauge => gauge.name === name)?.size ?? Number.NaN
  }

  /** The victim's log, a line each. */
  log(): string[] {
    return this.#victim.node.stderr().split('\n').slice(0, -1)
  }

  /** Texts that the victim printed. */
  shown(text?: string): JsonEvent[] {
    return this.#victim.node.events.all.filter(
      event =>
        (event.event === 'message' || event.event === 'broadcast') && (text === undefined || event['text'] === text)
    )
  }

  rssMiB(): number {
    const status = readFileSync(`/proc/${this.#victim.node.process.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
  }

  /** Ends the victim with SIGKILL and starts it again on what it left. */
  async killVictim(): Promise<void> {
    await this.#victim.close()
    await this.#victim.node.stop('SIGKILL')
    this.#victim = await owned(await this.stage.start('victim', this.#settings))
    await this.stage.connected(this.#victim.node, this.#honest.node)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const attacker of this.#attackers) await attacker.stop()
    await this.#victim.close()
    await this.#honest.close()
    await this.stage[Symbol.asyncDispose]()
  }
}

/** Both nodes run, have admitted each other and are linked. */
export async function createScene(settings: Record<string, unknown> = {}): Promise<Scene> {
  const stage = await createStage()
  try {
    const place = { listenAddrs: [`/ip4/127.0.0.1/tcp/${await freePort()}`], ...settings }
    const victim = await owned(await stage.start('victim', place))
    const honest = await owned(await stage.start('honest', { bootstrapList: near(victim.node), ...shared(settings) }))
    await victim.call('approve', { who: honest.node.peerId })
    await honest.call('approve', { who: victim.node.peerId })
    await Promise.all([stage.connected(victim.node, honest.node), stage.connected(honest.node, victim.node)])
    return new Scene({ stage, victim, honest }, { settings: place })
  } catch (error) {
    await stage[Symbol.asyncDispose]()
    throw error
  }
}

/** One scene for all cases of a file: after each of them the honest peer is still heard, and the victim is well. */
export function useScene(take: (scene: Scene) => void, settings: Record<string, unknown> = {}): void {
  let scene: Scene
  beforeAll(async () => {
    scene = await createScene(settings)
    take(scene)
  })
  afterEach(async () => {
    await scene.honestWorks()
    await scene.victimIsWell()
  })
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })
}

export async function owned(node: BareNode): Promise<Owned> {
  const client = await connectControl(node.stateDir)
  return { node, call: client.call.bind(client), close: () => client.close() }
}

/** On loopback. */
export function near({ addresses }: BareNode): string[] {
  return addresses.filter(address => address.startsWith('/ip4/127.'))
}

export function portOf({ addresses }: BareNode): number {
  return Number(/\/ip4\/127[^/]*\/tcp\/(\d+)/.exec(addresses.join(' '))?.[1])
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

function shared({ meshTopic }: Record<string, unknown>): Record<string, unknown> {
  return meshTopic === undefined ? {} : { meshTopic }
}
