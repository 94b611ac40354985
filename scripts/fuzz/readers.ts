import type { Logger } from '@libp2p/interface'
import type { MulticastDNSComponents } from '@libp2p/mdns'
import { multiaddr } from '@multiformats/multiaddr'
import { type Handlers, type Method, methods } from '../../src/control/methods.ts'
import { type Channel, Rpc, type RpcHandler } from '../../src/control/rpc.ts'
import { serveMethods } from '../../src/control/server.ts'
import { decoded } from '../../src/mesh/check-body.ts'
import { FrameReader } from '../../src/node/frame-reader.ts'
import { Mdns } from '../../src/node/mdns.ts'
import { type MulticastEvents, MulticastSocket } from '../../src/node/multicast.ts'
import {
  decodeContent,
  decodeEnvelope,
  decodeFrame,
  decodePairFrame,
  decodeRouteRecord,
  FRAME_MAX_BYTES,
  PAIR_FRAME_MAX_BYTES,
  ProtocolError,
  pairBodyOf,
  parseTicket,
  peekContent,
  rootOf,
  textOf
} from '../../src/protocol/index.ts'
import { corpora, ticketText } from './corpus.ts'
import { mutated } from './mutate.ts'
import type { Random } from './random.ts'

export interface Reader {
  name: string
  /** The next input. */
  make(): Uint8Array
  /** Throws only what is no ProtocolError. */
  read(bytes: Uint8Array): void
  /** Settles what inputs have begun. To be called between inputs, every `restEvery` of them. */
  rest?(): Promise<void>
}

/** Inputs after which readers with work of their own get time for it; mDNS reads 400 packets between two looks, 100 of one sender. */
export const REST_EVERY = 90

/** Addresses of this machine on loopback that pretend to be neighbours. */
const NEIGHBOURS = 200

/** The ways in which bytes of others come into a node, as the node goes them. */
export async function readers(random: Random): Promise<{ all: Reader[]; stop(): void }> {
  const corpus = corpora()
  const from = (bases: readonly Uint8Array[]) => (): Uint8Array => mutated(random, bases)
  const stream = (maxBytes: number, onFrame: (frame: Uint8Array) => void) => (bytes: Uint8Array) => {
    const reader = new FrameReader({ maxBytes })
    const cut = random.below(bytes.length + 1)
    reader.push(bytes.subarray(0, cut), onFrame)
    reader.push(bytes.subarray(cut), onFrame)
  }
  const link = stream(FRAME_MAX_BYTES, frame => {
    const read = decodeFrame(frame)
    if (read.type === 'envelope') decoded(read.envelope.signed)
  })
  const mdns = await mdnsReader(random)
  const control = controlReader()
  return {
    all: [
      { name: 'link frames', make: from(corpus.frames), read: strictly(link) },
      { name: 'receipts', make: from(corpus.receipts), read: strictly(link) },
      {
        name: 'pair frames',
        make: from(corpus.pair),
        read: strictly(
          stream(PAIR_FRAME_MAX_BYTES, bytes => {
            const frame = decodePairFrame(bytes)
            if (frame.type === 'request') pairBodyOf(frame)
          })
        )
      },
      {
        name: 'envelopes',
        make: from(corpus.envelopes),
        read: strictly(bytes => {
          const envelope = decodeEnvelope(bytes)
          rootOf(envelope)
          decoded(envelope.signed)
        })
      },
      {
        name: 'content',
        make: from(corpus.contents),
        read: strictly(bytes => {
          peekContent(bytes)
          decoded(bytes)
          textOf(decodeContent(bytes))
        })
      },
      { name: 'route records', make: from(corpus.routes), read: strictly(decodeRouteRecord) },
      {
        name: 'tickets',
        make: () => {
          const text = ticketText(mutated(random, corpus.tickets))
          return random.below(2) === 0 ? Buffer.from(text) : mutated(random, [Buffer.from(text)])
        },
        read: strictly(bytes => parseTicket(new TextDecoder().decode(bytes)))
      },
      { name: 'mdns packets', make: from(corpus.packets), read: mdns.read, rest: mdns.rest },
      { name: 'control lines', make: from(corpus.lines), read: control.read, rest: control.rest }
    ],
    stop: mdns.stop
  }
}

/** What is refused with a code of the protocol is as it should be, unless a mistake of ours stands behind the refusal. */
function strictly(read: (bytes: Uint8Array) => unknown): (bytes: Uint8Array) => void {
  return bytes => {
    try {
      read(bytes)
    } catch (error) {
      if (!(error instanceof ProtocolError) || isMistake(error.cause)) throw error
    }
  }
}

/** Bytes that are not UTF-8 are a TypeError of the decoder too. */
function isMistake(cause: unknown): boolean {
  if (cause instanceof RangeError || cause instanceof ReferenceError) return true
  return cause instanceof TypeError && !('code' in cause && cause.code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
}

/** The whole of mDNS but its socket, whose packets come from here. */
async function mdnsReader(random: Random): Promise<Pick<Required<Reader>, 'read' | 'rest'> & { stop(): void }> {
  let events: MulticastEvents | undefined
  MulticastSocket.open = async given => {
    events = given
    const nothing = async (): Promise<undefined> => undefined
    return {
      listens: true,
      rejoin: () => undefined,
      multicast: nothing,
      unicast: nothing,
      close: () => undefined
    } as unknown as MulticastSocket
  }
  const quiet = (): void => undefined
  const mdns = new Mdns(
    { log: { debug: quiet, info: quiet, warn: quiet, error: quiet }, events: { seen: quiet, trouble: quiet } },
    { serviceTag: '_libp2p-mesh._udp.local', loopback: true, group: { lookMs: 1 } }
  )
  const logger = Object.assign(quiet, { error: quiet, trace: quiet }) as unknown as Logger
  const own = [multiaddr('/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5')]
  const create = await mdns.module()
  create({
    addressManager: { getAddresses: () => own },
    logger: { forComponent: () => logger }
  } as unknown as MulticastDNSComponents)
  await mdns.start()
  if (events === undefined) throw new Error('mDNS has not asked for its socket')
  return {
    read: bytes =>
      events?.heard(Buffer.from(bytes), {
        address: `127.0.0.${1 + random.below(NEIGHBOURS)}`,
        port: 5_353 - random.below(2)
      }),
    // A look renews how many packets are read.
    rest: () => new Promise(resolve => setTimeout(resolve, 2)),
    stop: () => mdns.stop()
  }
}

/** The server's end of the control socket, with handlers that do nothing. */
function controlReader(): Pick<Required<Reader>, 'read' | 'rest'> {
  const nothing = async (): Promise<unknown> => ({})
  const handlers = Object.fromEntries(Object.keys(methods).map(method => [method, nothing])) as unknown as Handlers &
    Record<Method, RpcHandler>
  const served = serveMethods(handlers)
  return {
    read(bytes) {
      let listener: (message: unknown) => void = () => undefined
      const channel: Channel = {
        post: message => void JSON.stringify(message),
        onMessage: next => {
          listener = next
        },
        onClose: () => undefined,
        close: () => undefined
      }
      new Rpc({ channel }, { handlers: served })
      const message = parsed(new TextDecoder().decode(bytes))
      if (message !== undefined) listener(message)
    },
    rest: () => new Promise(resolve => setImmediate(resolve))
  }
}

/** As the socket does it; what is no JSON ends the connection. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
