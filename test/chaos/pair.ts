import type { ChaosNode } from './node.ts'
import type { Chaos } from './scenario.ts'
import { Stage, type StageInit } from './stage.ts'
import { Traffic } from './traffic.ts'

export type Pair = readonly [ChaosNode, ChaosNode]

const PER_SECOND = 20

export interface PairInit extends StageInit {
  names?: readonly [string, string]
  /** Before the first start. */
  prepare?: (pair: Pair) => void | Promise<void>
  /** Where others reach a node, when that is not its own address. */
  at?: (node: ChaosNode) => string
}

/**
 * Two nodes that let each other in and talk all the time, while the body does its worst to them. In the end everything accepted has to be shown, its
 * sender has to know, and both have to end as they are told.
 */
export async function withPair(
  chaos: Chaos,
  body: (pair: Pair, stage: Stage) => Promise<void>,
  { names = ['alpha', 'beta'], prepare, at, honestEnds = [] }: PairInit = {}
): Promise<void> {
  const stage = new Stage(chaos, { honestEnds })
  const pair = [await stage.node(names[0]), await stage.node(names[1])] as const
  await prepare?.(pair)
  await stage.join(...pair, at)
  using traffic = new Traffic({ stage, pair }, { perSecond: PER_SECOND })
  try {
    await body(pair, stage)
    await traffic.stop()
    await stage.drain()
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${await stage.describe()}`, { cause: error })
  }
  await stage.end()
}
