import { createHash } from 'node:crypto'
import { generateKeyPairFromSeed, privateKeyToProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'

/** The files that libp2p-mesh 2026.6 kept below `$STATE/libp2p/`, made from names as it would have made them. */

export interface FormerPeer {
  peerId: string
  /** PeerIdProto: `id`, `pubKey`, `privKey`. */
  fields: { id: Uint8Array; pubKey: Uint8Array; privKey: Uint8Array }
}

export async function formerPeer(name: string): Promise<FormerPeer> {
  const key = await generateKeyPairFromSeed('Ed25519', createHash('sha256').update(name).digest())
  const id = peerIdFromPrivateKey(key)
  const fields = {
    id: id.toMultihash().bytes,
    pubKey: publicKeyToProtobuf(key.publicKey),
    privKey: privateKeyToProtobuf(key)
  }
  return { peerId: id.toString(), fields }
}

/** Length-delimited protobuf fields, numbered from 1. */
export function protobufOf(...fields: Array<Uint8Array | undefined>): Uint8Array {
  return Uint8Array.from(
    fields.flatMap((bytes, index) => (bytes === undefined ? [] : [(index + 1) * 8 + 2, ...length(bytes), ...bytes]))
  )
}

function length({ length }: Uint8Array): number[] {
  return length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
}

/** `peer-id.json` around these bytes. */
export function peerIdFile(protobuf: Uint8Array): string {
  return JSON.stringify({ protobuf: Buffer.from(protobuf).toString('base64') }, null, 2)
}

export function peerIdFileOf({ fields: { id, pubKey, privKey } }: FormerPeer): string {
  return peerIdFile(protobufOf(id, pubKey, privKey))
}

export interface FormerRoute {
  peerId: string
  instanceName: string
  multiaddrs: string[]
  lastSeenAt: number
}

/** `instance-peer.json` with these routes. The key in it is the predecessor's second one and has nothing to do with the peer id. */
export function instancePeerFile(routes: FormerRoute[]): string {
  const instances = routes.map(route => {
    const binding = createHash('sha256').update(route.instanceName).digest('hex').slice(0, 8)
    const instanceId = `${route.instanceName}@MCowBQYDK2Vw.${binding}`
    const record = {
      instanceId,
      peerId: route.peerId,
      instanceName: route.instanceName,
      pubkey: 'MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
      multiaddrs: route.multiaddrs,
      userPublicAttributes: [{ kind: 'tag', value: 'Research', label: 'Research', source: 'USER.md' }],
      lastAnnouncedAt: route.lastSeenAt - 20,
      lastSeenAt: route.lastSeenAt,
      source: 'announce'
    }
    return [instanceId, record]
  })
  const table = { version: 1, updatedAt: 1_782_640_000_000, instances: Object.fromEntries(instances) }
  return `${JSON.stringify(table, null, 2)}\n`
}

/** The files in `test/fixtures/predecessor`, by name, with keys that serve nobody. */
export async function fixtures(): Promise<Record<string, string>> {
  const [own, ana, ben] = await Promise.all(['a throw-away key', 'ana', 'ben'].map(formerPeer))
  if (own === undefined || ana === undefined || ben === undefined) throw new Error('no keys')
  return {
    'peer-id.json': peerIdFileOf(own),
    'instance-peer.json': instancePeerFile([
      {
        peerId: ana.peerId,
        instanceName: 'ana-laptop',
        multiaddrs: [`/ip4/192.168.1.20/tcp/4001/p2p/${ana.peerId}`, `/ip4/127.0.0.1/tcp/4001/p2p/${ana.peerId}`],
        lastSeenAt: 1_782_630_000_000
      },
      {
        peerId: ben.peerId,
        instanceName: 'ben-vm',
        multiaddrs: [`/dns4/ben.example/tcp/4001/p2p/${ben.peerId}`],
        lastSeenAt: 1_782_620_000_000
      }
    ])
  }
}
