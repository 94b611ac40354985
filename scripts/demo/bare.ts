import { createSandbox } from '../../test/host/harness/sandbox.ts'
import { type BareNode, startBareNode } from '../../test/integration/harness/bare-node.ts'
import { type DemoInit, type DemoMessage, type DemoSummary, stopwatch } from './summary.ts'

type Sent = Omit<DemoMessage, 'from' | 'to'> & { reply: string | null }

/** Answers every text with itself in capitals, in place of an agent. It thinks a moment: taking a text and answering it are two things. */
const REPLY_COMMAND = [
  process.execPath,
  '-e',
  "process.stdin.on('data', text => setTimeout(() => process.stdout.write(String(text).toUpperCase()), 200))"
]

/** Two nodes of the bare host, from the built program. Everything stays on loopback and in one temporary folder. */
export async function runBareDemo({ print }: DemoInit): Promise<DemoSummary> {
  const say = stopwatch(print)
  await using sandbox = await createSandbox('mesh-demo')
  say('Starting two nodes, Anna and Ben; Ben has a reply command that answers in capitals')
  const startedAt = performance.now()
  const ben = await startBareNode(sandbox, { name: 'ben', settings: { replyCommand: REPLY_COMMAND } })
  const anna = await startBareNode(sandbox, { name: 'anna', settings: { bootstrapList: ben.addresses.slice(0, 1) } })
  const startMs = Math.round(performance.now() - startedAt)
  say(`Anna is ${anna.instanceId}`)
  say(`Ben  is ${ben.instanceId}`)

  say('Each owner admits the other: libp2p-mesh approve <who>; Anna has one address of Ben as bootstrap')
  await anna.ask(['approve', ben.instanceId])
  await ben.ask(['approve', anna.peerId])
  await Promise.all([isConnected(anna, ben), isConnected(ben, anna)])

  const messages: DemoMessage[] = []
  const send = async (from: BareNode, to: BareNode, target: string, text: string, wait: string): Promise<Sent> => {
    const result = await from.ask<Sent>(['send', target, text, '--wait', wait, '--timeout', '60000'])
    const { level, path, reply } = result
    const ms = Math.round(result.ms)
    messages.push({ from: from.instanceId, to: to.instanceId, level, path, ms })
    const answer = reply === null ? '' : ` "${reply}"`
    say(`${from.name} -> ${to.name}  "${text}"  ${level}${answer}, path ${path}, ${ms} ms`)
    return result
  }
  await send(anna, ben, ben.instanceId, 'Hello Ben, by instance id.', 'delivered')
  await send(ben, anna, anna.peerId, 'Hello Anna, by peer id.', 'delivered')
  const { reply } = await send(anna, ben, 'ben', 'and what do you say?', 'answered')

  const text = 'News for all'
  await anna.ask(['broadcast', text])
  await ben.events.next('broadcast', event => event['text'] === text)
  say(`anna -> all  "${text}"  shown by ben`)

  const { peers } = await anna.ask<{ peers: number }>(['status'])
  const levels = messages.map(({ level }) => level).join()
  const ok = levels === 'delivered,delivered,answered' && reply === 'AND WHAT DO YOU SAY?' && peers === 1
  say(ok ? 'All of it worked. Stopping both nodes and removing everything' : 'Not all of it worked')
  await Promise.all([anna.stop(), ben.stop()])
  return { ok, messages, broadcast: { seen: 1 }, peers, startMs }
}

async function isConnected(node: BareNode, other: BareNode): Promise<void> {
  await node.events.next('peer', event => event['state'] === 'connected' && event['peerId'] === other.peerId)
}
