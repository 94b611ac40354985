import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { type MeshGateway, pair, startMeshGateway, until } from './mesh-gateway.ts'

/** The host recovers interrupted turns about ten seconds after its start; it had done so after this time in every run. */
const RECOVERY_WINDOW_MS = 20_000

// Fresh state for each kill: three unclean ends within five minutes keep all channels of a gateway down.
let sandbox: Sandbox
let host: MeshGateway
let friend: BareNode

beforeEach(async () => {
  sandbox = await createSandbox('mesh-crash')
  friend = await startBareNode(sandbox, 'friend')
  host = await startMeshGateway(sandbox, { name: 'gate', settings: { bootstrapList: [friend.addresses[0]] } })
  await pair(host, friend)
})

afterEach(async () => {
  await sandbox[Symbol.asyncDispose]()
})

describe('kill -9 of the gateway', () => {
  it("during a peer's model call: the host runs no turn of that session by itself, the mesh repeats it once without tools, and nothing else is sent", async () => {
    const { peerId } = await host.mesh<{ peerId: string }>('status')
    const hang = Promise.withResolvers<never>()
    host.model.reply(async () => await hang.promise)
    await friend.cli('send', peerId, 'think about this', '--wait', 'received')
    const first = await host.model.waitFor(({ userText }) => userText.includes('think about this'))
    await host.gateway.kill9()
    host.model.reply(() => ({ text: 'thought about it' }))
    const requests = host.model.requests.length
    await host.gateway.start()
    await new Promise(resolve => setTimeout(resolve, RECOVERY_WINDOW_MS))

    const after = host.model.requests.slice(requests)
    // Our own repeat of a turn that had no tool, and nothing that the host started.
    expect(after.map(({ userText }) => userText.includes('think about this'))).toEqual([true])
    expect(after[0]?.tools).toEqual([])
    expect(first.tools).toEqual([])
    const heard = friend.events.filter(({ event }) => event === 'message').map(({ text }) => text)
    expect(heard).toEqual(['thought about it'])
    expect(host.gateway.log()).not.toContain('continuing your interrupted request')
  })

  it('while a tool waits for an answer: the turn that the host runs again sends nothing twice', async () => {
    const question = {
      name: 'p2p_send_instance_message',
      args: { instanceId: friend.instanceId, message: 'asked once', waitFor: 'answered', timeoutMs: 3000 }
    }
    host.model.reply(({ toolResults }) =>
      toolResults.some(result => result.includes('message')) ? { text: 'done' } : { toolCalls: [question] }
    )
    const run = host.gateway.cli(['agent', '--agent', 'main', '--message', 'Ask the friend.'])
    await friend.waitFor(({ event, text }) => event === 'message' && text === 'asked once')
    await host.gateway.kill9()
    await run
    const results: string[] = []
    host.model.reply(request => {
      results.push(...request.toolResults)
      return request.toolResults.some(result => /already been made|Do not send/i.test(result))
        ? { text: 'done' }
        : { toolCalls: [question] }
    })
    await host.gateway.start()
    await until(
      'the repeated call',
      () => (results.some(result => result.includes('This call had already been made')) ? true : undefined),
      60_000
    )
    expect(friend.events.filter(({ event, text }) => event === 'message' && text === 'asked once')).toHaveLength(1)
  })
})
