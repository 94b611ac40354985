import type { Network, NetworkHandler } from '../../../src/mesh/ports.ts'
import { createNode as create } from '../../../src/node/index.ts'
import { Disorder } from './disorder.ts'
import { over } from './over.ts'
import { passing, passingSoon, told } from './told.ts'

export * from '../../../src/node/index.ts'

/** What the engine imports in the place of the network where frames matter. */
export async function createNode(...args: Parameters<typeof create>): Promise<Network> {
  const network = await create(...args)
  if (told.crash === undefined && told.disorder === undefined) return network
  return over<Network>(network, {
    start: (handler, options) => network.start(read(disordered(handler)), options),
    send(peer, frame) {
      if (frame.type === 'receipts') passing('before-receipt')
      const taken = network.send(peer, frame)
      if (taken && frame.type === 'receipts') passingSoon('after-receipt')
      if (taken && frame.type === 'envelope') passingSoon('after-send')
      return taken
    }
  })
}

function read(handler: NetworkHandler): NetworkHandler {
  return over<NetworkHandler>(handler, {
    envelope(peer, envelope) {
      passing('after-read')
      handler.envelope(peer, envelope)
    }
  })
}

function disordered(handler: NetworkHandler): NetworkHandler {
  if (told.disorder === undefined) return handler
  const disorder = new Disorder({ seed: told.disorder })
  return over<NetworkHandler>(handler, {
    linkUp(peer, hello, path) {
      disorder.begin(peer)
      handler.linkUp(peer, hello, path)
    },
    linkDown(peer) {
      disorder.end(peer)
      handler.linkDown(peer)
    },
    envelope: (peer, envelope) => disorder.pass(peer, () => handler.envelope(peer, envelope)),
    receipts: (peer, receipts) => disorder.pass(peer, () => handler.receipts(peer, receipts))
  })
}
