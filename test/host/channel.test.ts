import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { type MeshGateway, pair, startMeshGateway, until } from './mesh-gateway.ts'

/** One real gateway, in which peers start turns, and bare nodes as its peers. */
let sandbox: Sandbox
let host: MeshGateway
let friend: BareNode
let stranger: BareNode

beforeAll(async () => {
  sandbox = await createSandbox('mesh-channel')
  ;[friend, stranger] = await Promise.all([startBareNode(sandbox, 'friend'), startBareNode(sandbox, 'stranger')])
  host = await startMeshGateway(sandbox, {
    name: 'gate',
    settings: { bootstrapList: [friend.addresses[0], stranger.addresses[0]] },
    config: { commands: { ownerAllowFrom: ['fakechat:owner'] } }
  })
  await pair(host, friend)
})

afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
})

async function self(): Promise<{ instanceId: string; peerId: string }> {
  return await host.mesh('status')
}

describe('a turn of an admitted peer', () => {
  it('S-21, S1.66: runs without tools, not as owner, in the session of the peer alone, and its reply goes back', async () => {
    host.model.reply(request => ({ text: request.userText.includes('what time') ? 'Tea time.' : 'ok' }))
    const { peerId } = await self()
    const { stdout, code } = await friend.cli(
      'send',
      peerId,
      '/status what time is it?',
      '--wait',
      'answered',
      '--timeout',
      '60000',
      '--json'
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ level: 'answered', path: 'lan', reply: 'Tea time.' })
    const request = await host.model.waitFor(({ userText }) => userText.includes('what time'))
    expect(request.tools).toEqual([])
    // The host tells each tool at the start of a turn whether the sender is the owner; for this turn it asked none.
    const turns = (await host.gateway.rpc('fakechat.turns')) as { sessionKey: string }[]
    expect(turns.map(({ sessionKey }) => sessionKey).filter(key => key.includes('libp2p-mesh'))).toEqual([])
    expect(request.userText).toContain('/status what time is it?')
    expect(request.sessionKey).toBe(`agent:main:subagent:libp2p-mesh-${friend.peerId.toLowerCase()}`)
    const { sessions } = (await host.gateway.rpc('sessions.list', {})) as { sessions: { key: string }[] }
    expect(sessions.map(({ key }) => key)).not.toContain('agent:main:main')
  })

  it('logs the sender and the length, never the text (S1.55, S1.57, S1.59, S1.64)', async () => {
    const log = host.gateway.log()
    expect(log).toMatch(/\[libp2p-mesh\] Node started\. Peer ID: 12D3KooW/)
    expect(log).toContain(`[libp2p-mesh] Peer connected: ${friend.peerId}`)
    expect(log).toMatch(new RegExp(`\\[libp2p-mesh\\] Direct message from ${friend.peerId}: 24 characters`))
    expect(log).toMatch(
      new RegExp(`\\[libp2p-mesh\\] Instance mapping updated: friend@[a-z2-7-]{29} -> ${friend.peerId}`)
    )
    expect(log.split('\n').filter(line => line.includes('[libp2p-mesh]') && line.includes('what time'))).toEqual([])
  })

  it('system event --mode now reaches nobody in the mesh', async () => {
    const before = friend.events.length
    const requests = host.model.requests.length
    host.model.reply(() => ({ text: 'The owner should read this heartbeat.' }))
    const { code } = await host.gateway.cli(['system', 'event', '--mode', 'now', '--text', 'wake up'])
    expect(code).toBe(0)
    // The heartbeat turn is over when its model request was answered and the gateway is idle again.
    await until('the heartbeat turn', () => (host.model.requests.length > requests ? true : undefined), 30_000)
    await host.gateway.rpc('libp2p-mesh.status')
    // Whatever reached the mesh would come before this message, on the same stream and in order.
    const { peerId } = friend
    await host.mesh('send', { target: peerId, text: 'last', kind: 'host', waitFor: 'delivered' })
    await friend.waitFor(({ event, text }) => event === 'message' && text === 'last')
    expect(
      friend.events
        .slice(before)
        .filter(({ event }) => event === 'message')
        .map(({ text }) => text)
    ).toEqual(['last'])
  })
})

describe('openclaw message send', () => {
  it('S1.58, S1.60: goes through the running gateway and is delivered', async () => {
    const { code, stdout } = await host.gateway.cli([
      'message',
      'send',
      '--channel',
      'libp2p-mesh',
      '--target',
      friend.instanceId,
      '--message',
      'Hello from the CLI'
    ])
    expect(code).toBe(0)
    expect(stdout).toMatch(/Message ID: [0-9a-f]{32}$/m)
    await friend.waitFor(({ event, text }) => event === 'message' && text === 'Hello from the CLI')
  })

  it('D-18: an unknown target and a peer that has not admitted us are one clear sentence each, and rc 1', async () => {
    await host.mesh('approve', { who: stranger.peerId })
    const [unknown, refused] = await Promise.all([
      host.gateway.cli(['message', 'send', '--channel', 'libp2p-mesh', '--target', 'nobody-here', '--message', 'x']),
      host.gateway.cli(['message', 'send', '--channel', 'libp2p-mesh', '--target', stranger.peerId, '--message', 'x'])
    ])
    expect(unknown.code).toBe(1)
    expect(unknown.stderr).toMatch(/Nobody here is known as "nobody-here"/)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/has not admitted this instance/)
    expect(refused.stderr).toContain((await self()).instanceId)
  })

  it('an ambiguous name lists the instances that it fits, and an absent peer is pending with its id and rc 0', async () => {
    const twins = await Promise.all([
      startBareNode(sandbox, 'twin-a', { name: 'twin' }),
      startBareNode(sandbox, 'twin-b', { name: 'twin' })
    ])
    for (const twin of twins) {
      await twin.cli('approve', (await self()).peerId)
      await host.mesh('approve', { who: twin.peerId })
    }
    await host.gateway.configure({
      channels: { 'libp2p-mesh': { bootstrapList: [friend, stranger, ...twins].map(({ addresses }) => addresses[0]) } }
    })
    for (const twin of twins) await twin.waitFor(({ event, state }) => event === 'peer' && state === 'connected')
    const ambiguous = await host.gateway.cli([
      'message',
      'send',
      '--channel',
      'libp2p-mesh',
      '--target',
      'twin',
      '--message',
      'x'
    ])
    expect(ambiguous.code).toBe(1)
    for (const twin of twins) expect(ambiguous.stderr).toContain(twin.instanceId)

    await twins[0].stop()
    const away = await host.gateway.cli([
      'message',
      'send',
      '--channel',
      'libp2p-mesh',
      '--target',
      twins[0].peerId,
      '--message',
      'for later'
    ])
    expect(away.code).toBe(0)
    expect(away.stdout).toMatch(/Message ID: [0-9a-f]{32} \(pending: /)
  })

  it('S1.56, S1.54: status shows the peer id and the connected peers, the directory lists them', async () => {
    const { peerId, instanceId } = await self()
    const [status, json, directory] = await Promise.all([
      host.gateway.cli(['channels', 'status', '--probe']),
      host.gateway.cli(['channels', 'status', '--probe', '--json']),
      host.gateway.cli(['directory', 'peers', 'list', '--channel', 'libp2p-mesh'])
    ])
    expect(status.stdout).toMatch(
      new RegExp(`libp2p.mesh.*\\(${peerId}\\).*enabled, configured, running, connected, .*mode:\\d connected`)
    )
    expect(JSON.stringify(JSON.parse(json.stdout))).toContain(instanceId)
    expect(directory.code).toBe(0)
    expect(directory.stdout).toContain(friend.instanceId)
  })
})

describe('the agent tools', () => {
  it('S1.65, S1.67: peers, a broadcast and a message whose answer is the tool result, all visible without tool search', async () => {
    const results: string[] = []
    host.model.reply(request => {
      results.push(...request.toolResults)
      if (results.length === 0) return { toolCalls: [{ name: 'p2p_peers', args: {} }] }
      if (results.length === 1) return { toolCalls: [{ name: 'p2p_broadcast', args: { message: 'tool news' } }] }
      if (results.length === 2)
        return {
          toolCalls: [
            { name: 'p2p_send_instance_message', args: { instanceId: friend.instanceId, message: 'from a tool' } }
          ]
        }
      return { text: 'done' }
    })
    const asked = host.model.requests.length
    const { code } = await host.gateway.cli(['agent', '--agent', 'main', '--message', 'Use the mesh.'])
    expect(code).toBe(0)
    expect(host.model.requests[asked]?.tools).toEqual(
      expect.arrayContaining(['p2p_peers', 'p2p_broadcast', 'p2p_send_instance_message'])
    )
    expect(await host.gateway.rpc('fakechat.turns')).toContainEqual({
      sessionKey: 'agent:main:main',
      senderIsOwner: true
    })
    expect(results[0]).toContain(friend.instanceId)
    expect(results[1]).toMatch(/handed to \d connected members? in \d+ ms/)
    expect(results[2]).toMatch(/^Delivered to .* by path lan in \d+ ms \(message [0-9a-f]{32}\)/)
    await friend.waitFor(({ event, text }) => event === 'broadcast' && text === 'tool news')
    await friend.waitFor(({ event, text }) => event === 'message' && text === 'from a tool')
  })

  it('the promise of a waiting tool settles at once when its turn is aborted', async () => {
    host.model.reply(() => ({
      toolCalls: [
        {
          name: 'p2p_send_instance_message',
          args: { instanceId: friend.instanceId, message: 'nobody answers this', waitFor: 'answered' }
        }
      ]
    }))
    const run = host.gateway.cli(['agent', '--agent', 'main', '--message', 'Wait for an answer.'])
    await friend.waitFor(({ event, text }) => event === 'message' && text === 'nobody answers this')
    await host.gateway.rpc('chat.abort', { sessionKey: 'agent:main:main' })
    const { code, ms } = await run
    expect(code).toBe(1)
    expect(ms).toBeLessThan(60_000)
  })
})

describe('a broadcast of a peer', () => {
  it('is shown to the owner on the other channel, with label and fingerprint', async () => {
    await friend.cli('broadcast', 'news from a friend')
    const shown = await until('the broadcast', async () =>
      (await host.journal()).find(({ event, text }) => event === 'sent' && text.includes('news from a friend'))
    )
    expect(shown).toMatchObject({ to: 'owner' })
    expect(shown.text).toMatch(/^friend \([a-z2-7]{4}-[a-z2-7]{4}\) to all on openclaw-mesh\n/)
  })
})
