import { networkContract } from '../contract/network.ts'
import { testNode } from './test-node.ts'

networkContract('libp2p', async () => {
  const one = await testNode()
  const other = await testNode()
  return {
    one: one.node,
    other: other.node,
    close: async () => {
      await one.node.stop()
      await other.node.stop()
    }
  }
})
