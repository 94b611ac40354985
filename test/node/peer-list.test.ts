import { expect, it } from 'vitest'
import { Issues } from '../../src/node/issues.ts'
import { parsePeerList } from '../../src/node/peer-list.ts'

const PEER = '12D3KooWFWydNNqBD4NFJQSw8BHK8DhxY8Xk64NGQ5eKpc98uK4J'
const SELF = '12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE'

function parsed(list: string[], setting: 'bootstrapList' | 'relayList'): { peers: object[]; issues: string[] } {
  const issues = new Issues()
  return { peers: parsePeerList(list, { issues }, { setting, self: SELF }), issues: issues.list() }
}

it('reads the list, one entry per peer, and says what it cannot use', () => {
  const list = [
    `/ip4/127.0.0.1/tcp/1/p2p/${PEER}`,
    `/dns4/a.example/tcp/2/p2p/${PEER}`,
    '/ip4/127.0.0.1/tcp/1',
    'nonsense'
  ]
  const { peers, issues } = parsed(list, 'bootstrapList')
  expect(peers).toEqual([{ peer: PEER, addresses: list.slice(0, 2) }])
  expect(issues).toEqual([
    'An entry of bootstrapList is not a multiaddr with a /p2p/ peer id; it is ignored.',
    'An entry of bootstrapList is not a multiaddr with a /p2p/ peer id; it is ignored.'
  ])
})

it('S1.40: names an entry that is this instance itself, leads nowhere, or leads through another relay', () => {
  const own = `/ip4/45.0.0.1/tcp/4001/p2p/${SELF}`
  const nowhere = `/ip4/0.0.0.0/tcp/4001/p2p/${PEER}`
  const relayed = `/ip4/45.0.0.1/tcp/4001/p2p/${SELF}/p2p-circuit/p2p/${PEER}`
  expect(parsed([own, nowhere, relayed], 'relayList')).toEqual({
    peers: [],
    issues: [
      `An entry of relayList, ${own}, is this instance itself; it is ignored.`,
      `An entry of relayList, ${nowhere}, leads nowhere that this node could dial; it is ignored.`,
      `An entry of relayList, ${relayed}, leads through another relay, and a relay has to be reached directly; it is ignored.`
    ]
  })
  expect(parsed([relayed], 'bootstrapList').peers).toEqual([{ peer: PEER, addresses: [relayed] }])
})
