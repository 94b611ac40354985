import type { Scenario } from '../scenario.ts'
import { Stage } from '../stage.ts'

const NODES = 10

/** Each talks with so many of the nodes after it, in a ring: 20 pairs. */
const NEIGHBOURS = 2

/** Written while the other one is away. More calls at once than a control socket has in flight elsewhere. */
const AT_ONCE = 50

export const storm: Scenario = {
  name: 'storm',
  what: `R-21: ${NODES} nodes start together, each with a round of texts for its ${2 * NEIGHBOURS} neighbours`,
  rounds: 100,
  async run(chaos) {
    const { rounds, say } = chaos
    const stage = new Stage(chaos)
    const nodes = await Promise.all(Array.from({ length: NODES }, (_, number) => stage.node(`node-${number}`)))
    const neighboursOf = (index: number) =>
      nodes.filter((_, other) => {
        const steps = Math.abs(index - other)
        return steps > 0 && Math.min(steps, NODES - steps) <= NEIGHBOURS
      })
    // Each alone: so the others hear of nothing until all of them start.
    for (const node of nodes) {
      if (!(await node.start())) throw new Error(`${node.name} did not start: ${node.stderr}`)
      await node.end('SIGTERM')
    }
    for (const [index, node] of nodes.entries()) {
      node.bootstrap = neighboursOf(index).map(other => `${other.address}/p2p/${other.peerId}`)
      await node.start()
      for (const other of neighboursOf(index)) await node.client?.call('approve', { who: other.peerId })
      for (const other of neighboursOf(index))
        for (let sent = 0; sent < rounds; sent += AT_ONCE) {
          const count = Math.min(AT_ONCE, rounds - sent)
          await Promise.all(Array.from({ length: count }, () => stage.send(node, other, 0)))
        }
      await node.end('SIGTERM')
    }
    const startMs = performance.now()
    const up = await Promise.all(nodes.map(node => node.start()))
    if (up.includes(false)) throw new Error(`a node did not start: ${nodes.map(node => node.stderr).join('')}`)
    await stage.drain().catch(async error => {
      throw new Error(`${error.message}\n${await stage.describe()}`)
    })
    say(`all ${NODES} have started and handed over everything within ${Math.round(performance.now() - startMs)} ms`)
    await stage.end()
  }
}
