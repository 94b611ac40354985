import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { createNode } from '../../src/node/index.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'

/** A node of its own process that asks the router for a port, for as many milliseconds as the first argument says, and finds nobody by itself. */
const ttlMs = Number(process.argv[2])
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const node = await createNode(
  { privateKeyProtobuf: privateKeyToProtobuf(await generateKeyPair('Ed25519')), log: silent },
  {
    listenAddrs: ['/ip4/0.0.0.0/tcp/4001'],
    announceAddrs: [],
    discovery: 'bootstrap',
    bootstrapList: [],
    topics: ['mesh'],
    enableNATTraversal: true,
    enableUPnP: true,
    portMapping: { ttlMs }
  }
)
process.on('SIGTERM', () => void node.stop())
await node.start(new RecordingHandler())
process.stdout.write(`${JSON.stringify({ event: 'ready' })}\n`)
