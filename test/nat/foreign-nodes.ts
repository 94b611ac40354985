import { identify } from '@libp2p/identify'
import { mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

/**
 * Other programs that speak libp2p, as their authors would write them: nodes with libp2p's own mDNS under each of the given service tags
 * (`tag=count`), and no protocol of ours. Prints who connects to which.
 */
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const nodes = []
for (const [tag = '', count] of process.argv.slice(2).map(word => word.split('='))) {
  for (let number = 0; number < Number(count); number++) {
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/0.0.0.0/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() },
      peerDiscovery: [mdns({ serviceTag: tag })]
    })
    node.addEventListener('connection:open', ({ detail }) => {
      say({ event: 'visited', tag, node: node.peerId.toString(), by: detail.remotePeer.toString() })
    })
    nodes.push(node)
  }
}
say({ event: 'ready', peers: nodes.map(node => node.peerId.toString()) })
process.on('SIGTERM', () => process.exit(0))
