import { RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2'
import type { Libp2p, PeerId, Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'

/** What a relay answers, of the specification of circuit relay v2. */
export const HOP_OK = 100
export const HOP_RESERVATION_REFUSED = 200
export const HOP_PERMISSION_DENIED = 202
export const HOP_NO_RESERVATION = 204

/** `HopMessage { type: RESERVE }` with its length. */
const RESERVE = Uint8Array.of(2, 0x08, 0)

/** `StopMessage { type: STATUS, status: OK }` with its length. */
const STOP_OK = Uint8Array.of(4, 0x08, 1, 0x20, HOP_OK)

/** Asks for a slot with bytes of our own, on a connection that there is or that is made. */
export async function rawReserve(client: Libp2p, relay: string): Promise<number> {
  return statusOf(await rawReservation(client, relay))
}

/** The bytes of the answer, in which stand the addresses at which the relay says it can be found. */
export async function rawReservation(client: Libp2p, relay: string): Promise<Uint8Array> {
  const stream = await client.dialProtocol(multiaddr(relay), RELAY_V2_HOP_CODEC)
  const answer = await ask(stream, RESERVE)
  await stream.close()
  return answer
}

/** Asks to be connected; the stream is the circuit where the answer is HOP_OK. */
export async function rawConnect(
  client: Libp2p,
  relay: string,
  to: PeerId
): Promise<{ status: number; stream: Stream }> {
  const stream = await client.dialProtocol(multiaddr(relay), RELAY_V2_HOP_CODEC)
  const id = to.toMultihash().bytes
  const peer = [0x0a, id.length, ...id]
  const message = [0x08, 1, 0x12, peer.length, ...peer]
  return { status: statusOf(await ask(stream, Uint8Array.of(message.length, ...message))), stream }
}

/** A holder that takes every call and reads nothing of it. */
export async function deafHolder(client: Libp2p): Promise<void> {
  await client.unhandle(RELAY_V2_STOP_CODEC)
  await client.handle(RELAY_V2_STOP_CODEC, async stream => {
    const bytes = byteStream(stream)
    await bytes.read()
    await bytes.write(STOP_OK)
    bytes.unwrap().pause()
  })
}

async function ask(stream: Stream, message: Uint8Array): Promise<Uint8Array> {
  const bytes = byteStream(stream)
  await bytes.write(message)
  const answer = (await bytes.read())?.subarray() ?? Uint8Array.of()
  bytes.unwrap()
  return answer
}

/** Field 5, the last one, as a varint. */
function statusOf(answer: Uint8Array): number {
  const [low = 0, high] = answer.subarray(answer.lastIndexOf(0x28) + 1)
  return high === undefined ? low : (low & 0x7f) | (high << 7)
}
