import type { Libp2p, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { Network } from '../../src/mesh/ports.ts'
import { FrameReader, joinFrames } from '../../src/node/frame-reader.ts'
import { LINK_PROTOCOL, PAIR_PROTOCOL } from '../../src/node/protocols.ts'
import { decodeFrame, encodeFrame, FRAME_MAX_BYTES, type Frame } from '../../src/protocol/index.ts'
import { helloFor } from '../fakes/network-handler.ts'

/** Any libp2p program: TCP, Noise, yamux, and whatever it likes to say on our protocols. */
export async function rawClient(
  init: {
    encrypters?: Libp2pOptions['connectionEncrypters']
    listen?: boolean
    privateKey?: Libp2pOptions['privateKey']
  } = {}
): Promise<Libp2p> {
  return await createLibp2p({
    ...(init.privateKey !== undefined && { privateKey: init.privateKey }),
    addresses: { listen: init.listen === true ? ['/ip4/127.0.0.1/tcp/0'] : [] },
    transports: [tcp()],
    connectionEncrypters: init.encrypters ?? [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 100 }
  })
}

export class RawLink {
  readonly stream: Stream
  readonly frames: Frame[] = []
  readonly ended: Promise<string>

  constructor(stream: Stream, init: { read?: boolean } = {}) {
    this.stream = stream
    this.ended = new Promise(resolve => {
      stream.addEventListener('close', () => resolve(stream.status))
      if (stream.status !== 'open') resolve(stream.status)
    })
    if (init.read === false) {
      stream.pause()
      return
    }
    const reader = new FrameReader({ maxBytes: FRAME_MAX_BYTES })
    stream.addEventListener('message', event => reader.push(event.data, bytes => this.frames.push(decodeFrame(bytes))))
  }

  send(...frames: Frame[]): void {
    this.stream.send(joinFrames(frames.map(encodeFrame)))
  }

  hello(): void {
    this.send({ type: 'hello', hello: helloFor(true) })
  }
}

export async function rawLink(client: Libp2p, node: Network, init: { read?: boolean } = {}): Promise<RawLink> {
  return new RawLink(await client.dialProtocol(targets(node), LINK_PROTOCOL), init)
}

export async function rawPair(client: Libp2p, node: Network): Promise<Stream> {
  return await client.dialProtocol(targets(node), PAIR_PROTOCOL)
}

function targets(node: Network) {
  return node.addresses().map(address => multiaddr(address))
}
