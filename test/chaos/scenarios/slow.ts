import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosNode } from '../node.ts'
import { withPair } from '../pair.ts'
import { ChaosProxy, OPEN, type Way } from '../proxy.ts'
import type { Scenario } from '../scenario.ts'

/** How long one trouble lasts, ms. */
const ROUND_MS = 2_000

/** Longer than libp2p's monitor takes to find a dead connection: 15 s between two pings, 10 s for an answer. */
const FOUND_MS = 30_000

const KIBIBYTE = 1024

const slowed = (change: Partial<Way>): { in: Way; out: Way } => {
  const way = { ...OPEN, ...change }
  return { in: way, out: way }
}

/** What happens to the connections of both nodes; then all is well again. */
const TROUBLES: { name: string; act: (proxies: ChaosProxy[]) => void; lastsMs?: number }[] = [
  { name: 'delay', act: each(proxy => proxy.set(slowed({ delayMs: 50, jitterMs: 750 }))) },
  { name: 'rate', act: each(proxy => proxy.set(slowed({ bytesPerSecond: 8 * KIBIBYTE }))) },
  { name: 'held', act: each(proxy => proxy.set(slowed({ held: true }))) },
  { name: 'one way', act: each(proxy => proxy.set({ in: OPEN, out: { ...OPEN, held: true } })) },
  { name: 'cut', act: each(proxy => proxy.cut('close')), lastsMs: 0 },
  { name: 'reset', act: each(proxy => proxy.cut('reset')), lastsMs: 0 },
  { name: 'half open', act: each(proxy => proxy.forget()), lastsMs: FOUND_MS }
]

export const slow: Scenario = {
  name: 'slow',
  what: 'R-06 R-08: delay, low rate, halts both ways and one way, cuts, resets and half-open connections, by a proxy between two nodes',
  rounds: 2 * TROUBLES.length,
  async run(chaos) {
    const { random, rounds, say } = chaos
    using stack = new DisposableStack()
    const proxies = new Map<ChaosNode, ChaosProxy>()
    await withPair(
      chaos,
      async () => {
        for (let round = 0; round < rounds; round++) {
          const { name, act, lastsMs = ROUND_MS } = TROUBLES[round % TROUBLES.length] ?? random.oneOf(TROUBLES)
          say(name)
          act([...proxies.values()])
          await sleep(lastsMs)
          for (const proxy of proxies.values()) proxy.set({ in: OPEN, out: OPEN })
          await sleep(ROUND_MS)
        }
      },
      {
        prepare: async pair => {
          for (const node of pair) {
            const target = Number(node.address.split('/').at(-1))
            const proxy = stack.use(await ChaosProxy.open({ target, random: () => random.below(1_000) / 1_000 }))
            proxies.set(node, proxy)
            node.told = { announce: [addressOf(proxy)] }
          }
        },
        at: node => addressOf(proxies.get(node))
      }
    )
  }
}

function each(act: (proxy: ChaosProxy) => void): (proxies: ChaosProxy[]) => void {
  return proxies => {
    for (const proxy of proxies) act(proxy)
  }
}

function addressOf(proxy: ChaosProxy | undefined): string {
  if (proxy === undefined) throw new Error('no proxy')
  return `/ip4/127.0.0.1/tcp/${proxy.port}`
}
