import { expect } from 'vitest'
import { createSandbox, type Sandbox } from '../../host/harness/sandbox.ts'
import { type BareNode, startBareNode } from './bare-node.ts'
import type { JsonEvent } from './json-events.ts'

/** The promises of the bare host, ms. */
export const READY_MAX_MS = 2_000
export const REFUSED_MAX_MS = 1_000
export const STOP_MAX_MS = 5_000

/** A reply command: answers in capitals, after a moment, because taking a text and answering it are two things. */
export const SHOUT = [
  process.execPath,
  '-e',
  "process.stdin.on('data', text => setTimeout(() => process.stdout.write(String(text).toUpperCase()), 100))"
]

/** A sandbox with bare nodes in it, and what tests do with them. */
export interface Stage extends AsyncDisposable {
  readonly sandbox: Sandbox
  start(name: string, settings?: Record<string, unknown>): Promise<BareNode>
  /** Waits for the event that `node` is connected to `other`, which nobody has had yet. */
  connected(node: BareNode, other: BareNode): Promise<void>
  /** Both admit each other, one by instance id and one by peer id, and meet. */
  pair(one: BareNode, other: BareNode): Promise<void>
  /** The message with this text. */
  received(node: BareNode, text: string): Promise<JsonEvent>
}

export async function createStage(): Promise<Stage> {
  const sandbox = await createSandbox('bare')
  const connected: Stage['connected'] = async (node, other) => {
    const { peerId, instanceId } = other
    const event = await node.events.next('peer', found => found['state'] === 'connected' && found['peerId'] === peerId)
    expect(event).toEqual({ event: 'peer', state: 'connected', peerId, instanceId, path: 'lan' })
  }
  return {
    sandbox,
    start: (name, settings = {}) => startBareNode(sandbox, { name, settings }),
    connected,
    async pair(one, other) {
      await one.ask(['approve', other.instanceId])
      await other.ask(['approve', one.peerId])
      await Promise.all([connected(one, other), connected(other, one)])
    },
    received: (node, text) => node.events.next('message', event => event['text'] === text),
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]()
  }
}
