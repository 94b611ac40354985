import { channel } from 'node:diagnostics_channel'
import type { Libp2p } from '@libp2p/interface'
import { vi } from 'vitest'
import type { Network } from '../../src/mesh/ports.ts'
import type { NodeInit } from '../../src/node/index.ts'
import { LINK_PROTOCOL } from '../../src/node/protocols.ts'
import { envelopeOf, numberOf, RecordingHandler } from '../fakes/network-handler.ts'
import { LIBP2P_NODE } from './seen-libp2p.ts'
import { testNode } from './test-node.ts'

/** A started node, what it tells, and the libp2p node inside it. The test file puts `seen-libp2p` in the place of `libp2p`. */
export interface WireEnd {
  node: Network
  libp2p: Libp2p
  handler: RecordingHandler
}

export async function wireEnd(init: Partial<NodeInit> = {}): Promise<WireEnd> {
  const made: Libp2p[] = []
  const note = (message: unknown): void => void made.push(message as Libp2p)
  channel(LIBP2P_NODE).subscribe(note)
  const { node } = await testNode(init)
  channel(LIBP2P_NODE).unsubscribe(note)
  const [libp2p] = made
  if (libp2p === undefined) throw new Error('the node was made without seen-libp2p')
  const handler = new RecordingHandler()
  await node.start(handler)
  return { node, libp2p, handler }
}

export interface LinkStream {
  /** Who dialled the connection and who opened the stream, as this end sees it. */
  connection: 'inbound' | 'outbound'
  stream: 'inbound' | 'outbound'
  /** The number of the stream in its connection, the same at both ends. */
  id: string
  status: string
}

/** The streams of the link protocol, as libp2p has them. */
export function linkStreams({ libp2p }: Pick<WireEnd, 'libp2p'>): LinkStream[] {
  return libp2p
    .getConnections()
    .flatMap(connection =>
      connection.streams
        .filter(({ protocol }) => protocol === LINK_PROTOCOL)
        .map(({ direction, id, status }) => ({ connection: connection.direction, stream: direction, id, status }))
    )
}

/** The same stream as the other end has it. */
export function mirrored(streams: LinkStream[]): LinkStream[] {
  const turn = (direction: 'inbound' | 'outbound') => (direction === 'inbound' ? 'outbound' : 'inbound')
  return streams.map(({ connection, stream, ...rest }) => ({
    connection: turn(connection),
    stream: turn(stream),
    ...rest
  }))
}

/** Sends numbered envelopes from 0 on, and waits for room where there is none. */
export async function sendNumbers(from: WireEnd, to: WireEnd, count: number): Promise<void> {
  for (let number = 0; number < count; ) {
    const roomBefore = from.handler.count('drained') + from.handler.count('linkUp')
    if (from.node.send(to.node.peer, { type: 'envelope', envelope: envelopeOf(number) })) number++
    else
      await vi.waitUntil(() => from.handler.count('drained') + from.handler.count('linkUp') > roomBefore, {
        timeout: 10_000,
        interval: 1
      })
    if (number % 2 === 0) await new Promise(resolve => setImmediate(resolve))
  }
}

/** Numbers of the envelopes that came, in order of size. */
export function numbersOf({ handler }: WireEnd): number[] {
  return handler.envelopes.map(numberOf).sort((one, other) => one - other)
}
