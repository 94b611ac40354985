import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Log } from '../mesh/ports.ts'
import { peerIdOf } from './dialler.ts'

/** Keeps linked peers when the connection manager has to let somebody go (S-11). */
const LINK_TAG = 'libp2p-mesh-link'
const LINK_TAG_VALUE = 100

/** What libp2p remembers of peers. Where a peer is, the mesh knows better, so it is for while they are here. */
export class PeerMemory {
  readonly #libp2p: Libp2p
  readonly #log: Log

  constructor({ libp2p, log }: { libp2p: Libp2p; log: Log }) {
    this.#libp2p = libp2p
    this.#log = log
  }

  /** It is gone: libp2p would remember everybody who ever connected (S-12). */
  forget(peer: string): void {
    this.#libp2p.peerStore
      .delete(peerIdOf(peer))
      .catch((error: unknown) => this.#log.debug('peer not forgotten', { peer, error: `${error}` }))
  }

  /** It has a link. */
  tag(id: PeerId): void {
    this.#libp2p.peerStore
      .merge(id, { tags: { [LINK_TAG]: { value: LINK_TAG_VALUE } } })
      .catch((error: unknown) => this.#log.debug('peer not tagged', { peer: id.toString(), error: `${error}` }))
  }
}
