import type { PeerId } from '@libp2p/interface'

/** What libp2p's relay answers to who asks for a reservation and is refused without being shut out. */
const REFUSED = { status: 'RESERVATION_REFUSED' }

/**
 * Has libp2p's relay refuse a reservation as one that it has no room for: its gater can only say that a peer is not permitted, of which the peer tells its
 * owner to ask for permission. The store is a private field; the version is pinned, and the tests of the relay fail when the field is another.
 *
 * @param service what `circuitRelayServer()` makes
 * @throws TypeError where it is not the one that is pinned
 */
export function refuseReservations(service: unknown, refuses: (peer: PeerId) => boolean): void {
  const store = storeOf(service)
  const reserve = store.reserve.bind(store)
  store.reserve = (peer, ...rest) => (refuses(peer) ? REFUSED : reserve(peer, ...rest))
}

interface Store {
  reserve(peer: PeerId, ...rest: unknown[]): unknown
}

function storeOf(service: unknown): Store {
  const store = (service as { reservationStore?: Partial<Store> }).reservationStore
  if (typeof store?.reserve === 'function') return store as Store
  throw new TypeError('the relay of libp2p is not the one that is known here')
}
