import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { createNode } from '../../src/node/index.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'

/** A node of its own process, for a network namespace: finds by mDNS, dials what it finds, says what happens as JSON lines. */
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const node = await createNode(
  { privateKeyProtobuf: privateKeyToProtobuf(await generateKeyPair('Ed25519')), log: silent },
  { listenAddrs: ['/ip4/0.0.0.0/tcp/0'], announceAddrs: [], discovery: 'mdns', bootstrapList: [], topics: ['mesh'] }
)

class Dialler extends RecordingHandler {
  override discovered(peer: string, addresses: string[]): void {
    say({ event: 'discovered', peer, addresses })
    node.connect(peer, addresses).catch((error: Error) => say({ event: 'failed', peer, message: error.message }))
  }

  override linkUp(peer: string): void {
    say({ event: 'linked', peer })
  }
}

let said = '[]'
const watch = setInterval(() => {
  const issues = JSON.stringify(node.issues())
  if (issues !== said) say({ event: 'issues', issues: node.issues() })
  said = issues
}, 50)

process.on('SIGTERM', () => {
  clearInterval(watch)
  void node.stop().then(() => say({ event: 'stopped' }))
})
await node.start(new Dialler())
say({ event: 'ready', peer: node.peer, addresses: node.addresses() })
