import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Log, Network } from '../../src/mesh/ports.ts'
import { Presence } from '../../src/mesh/presence.ts'
import { RouteTable } from '../../src/mesh/route-table.ts'
import { Trust } from '../../src/mesh/trust.ts'
import { fingerprintOf, peerIdOf, publicKeyOf, type RouteRecord } from '../../src/protocol/index.ts'
import { PUBLIC_KEY_BYTES } from '../../src/protocol/limits.ts'
import { openStore } from '../../src/store/index.ts'
import { anywhere } from '../fakes/anywhere.ts'
import { FakeInstance } from '../fakes/instance.ts'

/**
 * A route table over the real store, under a flood of names that nobody ever heard: seen, connected, and announced with a record each. Run as a
 * process of its own, so that what it takes of memory is the table's: `sybils.ts <directory> pairing|open <names>`; prints one line of JSON.
 */
const [dir = '', policy = 'pairing', names = '0'] = process.argv.slice(2)

/** Names before the memory is looked at: a process that begins to work grows by some 50 MiB, whatever it works on, and then no more. */
const WARM_UP_NAMES = 40_000

/** Names between two looks at the memory, each after a collection: when V8 collects by itself hangs on what else the machine does. */
const LOOK_NAMES = 10_000

/** Names of one turn of the event loop, as a busy network would bring them. */
const BATCH_NAMES = 200

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: console.error }
const clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms: number, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms)
      signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        reject(signal.reason)
      })
    })
}

const store = openStore({ dir, log: silent, clock })
const open = policy === 'open'
const trust = new Trust(
  { store, clock, log: silent },
  { dmPolicy: open ? 'open' : 'pairing', allowFrom: open ? ['*'] : [] }
)
const routes = new RouteTable({ network: anywhere, store, trust, clock, log: silent })
const network: Pick<Network, 'peer' | 'connections' | 'connect' | 'disconnect'> = {
  peer: new FakeInstance('self').peer,
  connections: () => [],
  connect: async () => {
    throw new Error('nobody is there')
  },
  disconnect: async () => {}
}
const presence = new Presence(
  { network: network as Network, routes, trust, clock, log: silent },
  { instanceOf: peer => fingerprintOf(publicKeyOf(peer)) }
)

const friend = new FakeInstance('friend')
trust.set(friend.instance, { level: 'paired', peer: friend.peer, how: 'command' })
routes.learn({ peer: friend.peer, label: 'friend', addresses: ['/ip4/10.0.0.2/tcp/4001'] })
await store.routes.flush()
presence.start()

const file = join(dir, 'libp2p', 'instance-peer.json')
const inode = (): number => (existsSync(file) ? statSync(file).ino + statSync(file).mtimeMs : 0)
let [made, writes, last, rssMax] = [0, 0, inode(), 0]

/** What the process holds once its garbage is gone. */
function keptRss(): number {
  global.gc?.()
  return process.memoryUsage.rss()
}

async function flood(count: number): Promise<void> {
  for (let i = 0; i < count; i++, made++) {
    const key = new Uint8Array(PUBLIC_KEY_BYTES).fill(1)
    new DataView(key.buffer).setUint32(0, made)
    const peer = peerIdOf(key)
    const addresses = Array.from({ length: 8 }, (_, port) => `/ip4/10.0.0.3/tcp/${port + 1}/p2p/${peer}`)
    if (!open) presence.discovered(peer, addresses)
    routes.learn({ peer, label: `sybil-${made}`, addresses: [addresses[0] ?? ''] })
    const issuedMs = clock.wallMs()
    const record: RouteRecord = { peer, seq: 1, addresses, issuedMs, expiresMs: issuedMs + 1_000, label: 'sybil' }
    routes.learnRecord(record, fingerprintOf(key))
    if (made % BATCH_NAMES !== 0) continue
    await new Promise(resolve => setImmediate(resolve))
    if (made % LOOK_NAMES === 0) rssMax = Math.max(rssMax, keptRss())
    const now = inode()
    if (now !== last) writes++
    last = now
  }
}

const startMs = performance.now()
if (!open) await flood(WARM_UP_NAMES)
const rssBefore = keptRss()
rssMax = rssBefore
await flood(Number(names))
const ms = performance.now() - startMs
presence.stop()
const known = routes.entries().length
await store.close()
const friendly = routes.byPeer(friend.peer) !== undefined
console.log(JSON.stringify({ ms, writes, known, rssBytes: rssMax - rssBefore, friend: friendly }))
