import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/commands/index.ts'
import { fingerprintOfPeer } from '../../src/protocol/index.ts'
import { relayArguments } from '../../src/standalone/relay-options.ts'

const PEER = '12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust'
const OTHER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'
const LISTEN = ['/ip4/0.0.0.0/tcp/4001']

function refusalOf(given: Parameters<typeof relayArguments>[0]): string {
  try {
    relayArguments(given)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'not refused'
}

describe('the options of a relay', () => {
  it('name peers by peer id, instance id or fingerprint, one at a time or with commas', () => {
    const fingerprint = fingerprintOfPeer(OTHER)
    const { allow } = relayArguments({ listen: LISTEN, allow: [PEER, `calm-otter@${fingerprint}, ${fingerprint}`] })
    expect(allow).toEqual([fingerprintOfPeer(PEER), fingerprint, fingerprint])
  })

  it('take each address once', () => {
    const listen = [...LISTEN, '/ip6/::/tcp/4001', '/ip4/0.0.0.0/tcp/4002/ws', ...LISTEN]
    const announce = ['/dns4/relay.example.org/tcp/443/tls/ws', '/ip4/1.2.3.4/tcp/4001']
    expect(relayArguments({ listen, announce, open: [true] })).toEqual({
      listen: listen.slice(0, 3),
      announce,
      allow: 'everybody'
    })
  })

  it.each<[string, Parameters<typeof relayArguments>[0], string]>([
    [
      'nobody to carry for',
      { listen: LISTEN },
      'relay needs --allow <id> for each peer that may hold a reservation, or --open for anybody.'
    ],
    [
      'everybody and somebody',
      { listen: LISTEN, allow: [PEER], open: [true] },
      'relay needs one of --allow and --open, not both.'
    ],
    [
      'nowhere to listen',
      { open: [true] },
      'relay needs --listen <multiaddr>: where it listens, for example --listen /ip4/0.0.0.0/tcp/4001.'
    ],
    [
      'no multiaddr',
      { listen: ['0.0.0.0:4001'], open: [true] },
      '--listen is "0.0.0.0:4001": expected a multiaddr of TCP such as /ip4/0.0.0.0/tcp/4001.'
    ],
    [
      'a number that is no port',
      { listen: ['/ip4/0.0.0.0/tcp/70000'], open: [true] },
      '--listen is "/ip4/0.0.0.0/tcp/70000": expected a multiaddr of TCP such as /ip4/0.0.0.0/tcp/4001.'
    ],
    [
      'UDP',
      { listen: LISTEN, announce: ['/ip4/1.2.3.4/udp/4001/quic-v1'], open: [true] },
      '--announce is "/ip4/1.2.3.4/udp/4001/quic-v1": expected a multiaddr of TCP such as /ip4/<public address>/tcp/4001.'
    ],
    [
      'an id in an address',
      { listen: LISTEN, announce: [`/ip4/1.2.3.4/tcp/4001/p2p/${PEER}`], open: [true] },
      `--announce is "/ip4/1.2.3.4/tcp/4001/p2p/${PEER}": leave /p2p/ and the id out, the relay adds its own.`
    ],
    [
      'nobody by that name',
      { listen: LISTEN, allow: ['bob'] },
      '--allow is "bob": expected an instance id or a peer id; copy it from the other side\'s status.'
    ],
    [
      'an empty list',
      { listen: LISTEN, allow: [''] },
      '--allow is "": expected an instance id or a peer id; copy it from the other side\'s status.'
    ]
  ])('refuse %s with a sentence', (_, given, sentence) => {
    expect(refusalOf(given)).toBe(sentence)
  })
})
