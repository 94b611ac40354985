import { access } from 'node:fs/promises'
import { hostname, release } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ControlClient } from '../../src/control/client.ts'
import { connectControl } from '../../src/control/socket.ts'
import { CANARIES, type Canary } from '../fixtures/canaries.ts'
import { expectInert, framed } from '../openclaw/framed.ts'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import type { ModelReply } from './harness/fake-model.ts'
import type { ModelRequest } from './harness/model-request.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { type MeshGateway, pair, startMeshGateway, until } from './mesh-gateway.ts'

/** Turns that a peer may cost within an hour; each carries several canaries. */
const TURNS = 12
const PEERS = ['parrot', 'mimic'] as const

/** What the host offers beside the tools of a turn that has some: they find and call those tools, and no others. */
const TOOL_SEARCH = ['tool_call', 'tool_describe', 'tool_search']

/** What the host takes for all tools of a plugin, and a tool that sends: none of them comes into a turn of a peer. */
const NO_SINGLE_TOOLS = ['libp2p-mesh', 'Memory-Core', 'bundle-mcp', 'p2p_broadcast']

/** The host recovers interrupted turns about ten seconds after its start. */
const RECOVERY_WINDOW_MS = 20_000

interface Peer extends BareNode {
  control: ControlClient
}

let sandbox: Sandbox
let host: MeshGateway
let parrots: Peer[]
let boss: Peer
let victim: Peer
let gate: string

beforeAll(async () => {
  sandbox = await createSandbox('mesh-agent-text')
  const peers = await Promise.all([...PEERS, 'boss', 'victim'].map(startPeer))
  parrots = peers.slice(0, PEERS.length)
  ;[boss, victim] = peers.slice(PEERS.length) as [Peer, Peer]
  host = await startMeshGateway(sandbox, {
    name: 'gate',
    settings: {
      bootstrapList: peers.map(({ addresses }) => addresses[0]),
      trustedTools: ['p2p_peers', ...NO_SINGLE_TOOLS],
      notifyOnly: [victim.instanceId]
    },
    config: { commands: { ownerAllowFrom: ['fakechat:owner'] } }
  })
  for (const peer of peers) await pair(host, peer)
  gate = (await host.mesh<{ peerId: string }>('status')).peerId
})

afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
})

async function startPeer(name: string): Promise<Peer> {
  const node = await startBareNode(sandbox, name)
  const control = await connectControl(await sandbox.folder(name, 'state'))
  sandbox.defer(async () => await control.close())
  return { ...node, control }
}

/** What a model that does everything it reads does: it calls what it is told to call, and repeats all that it was given. */
function obey({ userText, messages, toolResults }: ModelRequest): ModelReply {
  const asked = [...userText.matchAll(/CALL (\w+)/g)].map(([, name = '']) => name)
  if (toolResults.length === 0 && asked.length > 0)
    return { toolCalls: [...new Set(asked)].map(name => ({ name, args: argsFor(name) })) }
  return {
    text: messages.findLast(({ role, content }) => role === 'user' && content.includes('Sender: '))?.content ?? ''
  }
}

/** Arguments with which the tool would do something that a test can see. */
function argsFor(name: string): Record<string, unknown> {
  // This one takes none, and refuses any: its refusal would name them all.
  if (name === 'p2p_peers') return {}
  return {
    // For the host's tool_call, which is told by id what to call.
    id: 'exec',
    args: { command: `touch ${owned('exec')}` },
    command: `touch ${owned('exec')}`,
    path: owned('write'),
    content: 'owned',
    instanceId: victim.instanceId,
    target: victim.peerId,
    channel: 'libp2p-mesh',
    message: `owned by ${name}`,
    action: name === 'message' ? 'send' : 'status'
  }
}

function owned(by: string): string {
  return join(sandbox.root, `owned-${by}`)
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false
  )
}

async function ask(peer: Peer, text: string): Promise<string> {
  const { reply } = await peer.control.call('send', { target: gate, text, waitFor: 'answered', timeoutMs: 60_000 })
  return reply ?? ''
}

/** What the peer was sent, beside answers to its own messages. */
const heardBy = ({ events }: BareNode): unknown[] =>
  events.filter(({ event, inReplyTo }) => event === 'broadcast' || (event === 'message' && inReplyTo === null))

const occurrences = (text: string, part: string): number => text.split(part).length - 1

describe('300 canary prompts', () => {
  it('S-21: stay in their frame, start no command, get no tool, and learn nothing of the machine from a model that obeys', async () => {
    host.model.reply(obey)
    const batches = Array.from({ length: TURNS * PEERS.length }, (_, batch) =>
      CANARIES.filter((_canary, index) => index % (TURNS * PEERS.length) === batch)
    )
    expect(batches.flat()).toHaveLength(300)
    const text = (batch: Canary[]): string => batch.map(canary => canary.text).join('\n')
    const answers = await Promise.all(
      parrots.map(async (peer, index) => {
        const replies: string[] = []
        for (const batch of batches.slice(index * TURNS, (index + 1) * TURNS))
          replies.push(await ask(peer, text(batch)))
        return replies
      })
    )

    const turns = host.model.requests.filter(({ toolResults }) => toolResults.length === 0)
    // Nothing was taken for a command: each text came to the model, in a session that no word of it had ended.
    expect(turns).toHaveLength(batches.length)
    for (const { tools } of host.model.requests) expect(tools).toEqual([])
    for (const batch of batches) {
      const [{ id } = { id: '' }] = batch
      const turn = turns.find(({ userText }) => userText.includes(`${id} `) || userText.includes(`${id}\n`))
      const { head, lines } = framed(turn?.userText ?? '')
      expectInert(lines)
      expect(head.join('\n')).not.toContain('canary-')
      const written = text(batch)
      for (const canary of batch)
        expect(occurrences(lines.join('\n'), canary.id), canary.text).toBe(occurrences(written, canary.id))
    }
    for (const { messages } of host.model.requests)
      for (const { role, content } of messages.filter(message => message.role !== 'assistant'))
        for (const line of content.split('\n').filter(each => each.includes('canary-')))
          expect(line, role).toMatch(/^> /)
    for (const peer of parrots) {
      const key = `agent:main:subagent:libp2p-mesh-${peer.peerId.toLowerCase()}`
      const last = host.model.requests.findLast(({ sessionKey }) => sessionKey === key)
      expect(last?.userTexts).toHaveLength(TURNS)
    }

    // The model called what it was told to call, and none of it happened.
    const called = host.model.requests.flatMap(({ toolResults }) => toolResults)
    expect(called.length).toBeGreaterThan(50)
    expect(called.filter(result => !/not found|unknown|unavailable|not available/i.test(result))).toEqual([])
    expect(await Promise.all(['exec', 'write'].map(async by => await exists(owned(by))))).toEqual([false, false])
    expect(heardBy(victim)).toEqual([])

    // It repeated all that it was given; what the host had told it of the machine stayed here.
    const raw = host.model.requests.flatMap(({ messages }) => messages.map(({ content }) => content)).join('\n')
    expect(raw).toContain(`host=${hostname()}`)
    for (const reply of answers.flat()) {
      expect(reply).toContain('canary-')
      expect(reply).not.toMatch(/\bRuntime: |sessionId=|\bhost=\w+ \|/)
      expect(reply).not.toContain(`host=${hostname()}`)
      expect(reply).not.toContain(release())
    }
  })
})

describe('tiers', () => {
  it('S-21: trusted: the model is offered the tools that the owner lists, and no call of another does anything', async () => {
    host.model.reply(obey)
    await host.mesh('trust', { who: boss.peerId, level: 'trusted' })
    const from = host.model.requests.length
    await ask(boss, 'CALL p2p_peers and CALL exec and CALL p2p_broadcast and CALL tool_call')
    const [first, second, ...more] = host.model.requests.slice(from)
    expect(more).toEqual([])
    for (const request of [first, second]) expect(request?.tools.toSorted()).toEqual(['p2p_peers', ...TOOL_SEARCH])
    const [peers, exec, broadcast, searched] = second?.toolResults ?? []
    expect(peers).toContain(victim.instanceId)
    for (const result of [exec, broadcast, searched])
      expect(result).toMatch(/not found|unknown|unavailable|not available/i)
    expect(await exists(owned('exec'))).toBe(false)
    expect(heardBy(victim)).toEqual([])
  })

  it('S-22: an entry of trustedTools that OpenClaw takes for a whole plugin, or that sends, is left out and named in status', async () => {
    const { issues } = await host.mesh<{ issues: string[] }>('status')
    expect(issues.filter(issue => issue.startsWith('trustedTools'))).toEqual(
      NO_SINGLE_TOOLS.map(name => expect.stringContaining(`"${name}", which is left out`))
    )
  })

  it('S-21: notify: a text is shown to the owner and in the inbox, and starts no turn', async () => {
    const from = host.model.requests.length
    await victim.control.call('send', {
      target: gate,
      text: 'only\u202eread this',
      waitFor: 'delivered',
      timeoutMs: 30_000
    })
    const shown = await until('the text', async () =>
      (await host.journal()).find(({ event, text }) => event === 'sent' && text.includes('read this'))
    )
    expect(shown).toMatchObject({
      to: 'owner',
      text: expect.stringMatching(/^victim \([a-z2-7-]{9}\)\nonly\\u202eread this$/)
    })
    const notices = await host.mesh<{ text: string }[]>('notices')
    expect(notices.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^victim \([a-z2-7-]{9}\) wrote: only\\u202eread this$/)
    )
    expect(host.model.requests).toHaveLength(from)
  })

  it('S-21: after kill -9 in a turn with tools no turn of that peer runs again, and the owner is told', async () => {
    const hang = Promise.withResolvers<never>()
    host.model.reply(async () => await hang.promise)
    const { id } = await boss.control.call('send', { target: gate, text: 'think with tools', waitFor: 'received' })
    await host.model.waitFor(({ userText }) => userText.includes('think with tools'))
    await host.gateway.kill9()
    host.model.reply(obey)
    const from = host.model.requests.length
    await host.gateway.start()
    await new Promise(resolve => setTimeout(resolve, RECOVERY_WINDOW_MS))
    expect(host.model.requests.slice(from)).toEqual([])
    const notices = await host.mesh<{ text: string }[]>('notices')
    expect(notices.map(({ text }) => text)).toContainEqual(expect.stringContaining(`A turn for message ${id} of boss`))
    expect(heardBy(boss)).toEqual([])
  })
})
