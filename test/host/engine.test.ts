import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { type MeshGateway, pair, startMeshGateway, until } from './mesh-gateway.ts'

/** One gateway that shows messages on another channel, and a peer. */
let sandbox: Sandbox
let host: MeshGateway
let friend: BareNode

beforeAll(async () => {
  sandbox = await createSandbox('mesh-engine')
  friend = await startBareNode(sandbox, 'friend')
  host = await startMeshGateway(sandbox, {
    name: 'gate',
    settings: { bootstrapList: [friend.addresses[0]], inboundChannel: 'fakechat', inboundTarget: 'owner' },
    // Writing the compile cache of a new folder takes a process some seconds at its end, in which it does nothing else.
    env: {
      NODE_DISABLE_COMPILE_CACHE: '1',
      NODE_OPTIONS: `--import ${new URL('../fixtures/plant-throw.mjs', import.meta.url).href}`
    }
  })
  await pair(host, friend)
})

afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
})

describe('inbound to another channel', () => {
  it('S1.25, S1.43, S1.44, S1.66: the receipt says delivered only after the channel took the text', async () => {
    const { peerId } = await host.mesh<{ peerId: string }>('status')
    const { stdout } = await friend.cli('send', peerId, 'to be shown', '--wait', 'delivered', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ level: 'delivered' })
    const rows = await host.journal()
    expect(rows.filter(({ event, text }) => event === 'sent' && text.endsWith('\nto be shown'))).toHaveLength(1)
    expect(host.model.requests).toHaveLength(0)
  })

  it('S1.45, D-18: a channel that fails or hangs is never told as delivered', async () => {
    const { peerId } = await host.mesh<{ peerId: string }>('status')
    await host.gateway.rpc('fakechat.mode', { mode: 'throw' })
    const failed = await friend.cli(
      'send',
      peerId,
      'into the void',
      '--wait',
      'delivered',
      '--timeout',
      '5000',
      '--json'
    )
    expect(failed.code).toBe(1)
    expect(failed.stderr).toMatch(/not known|unknown/)
    await host.gateway.rpc('fakechat.mode', { mode: 'hang' })
    const hung = await friend.cli('send', peerId, 'into the fog', '--wait', 'delivered', '--timeout', '1000', '--json')
    expect(hung.code).toBe(3)
    expect(JSON.parse(hung.stdout)).toMatchObject({ level: 'received' })
    await host.gateway.rpc('fakechat.mode', { mode: 'ok' })
  })
})

describe('a change of settings while the gateway runs', () => {
  const configure = async (settings: Record<string, unknown>): Promise<void> =>
    await host.gateway.configure({ channels: { 'libp2p-mesh': settings } })

  it('S-32: allowFrom, name and inboundTarget are in force at once and restart nothing', async () => {
    const { peerId, startedAt } = await host.mesh<{ peerId: string; startedAt: string }>('status')
    const guest = await startBareNode(sandbox, 'guest', {
      allowFrom: [peerId],
      bootstrapList: (await host.mesh<{ addresses: string[] }>('status')).addresses
    })
    await configure({ allowFrom: [guest.peerId], name: 'renamed', inboundTarget: 'another' })
    await guest.waitFor(({ event, state }) => event === 'peer' && state === 'connected', 60_000)
    expect((await guest.cli('send', peerId, 'I was named', '--wait', 'delivered', '--timeout', '20000')).code).toBe(0)
    const shown = (await host.journal()).find(({ text }) => text.endsWith('\nI was named'))
    expect(shown).toMatchObject({ to: 'another' })
    await until('the new name at the friend', async () =>
      (await friend.cli('peers')).stdout.includes('renamed') ? true : undefined
    )

    await configure({ allowFrom: [] })
    await guest.waitFor(({ event, state }) => event === 'peer' && state === 'disconnected')
    const refused = await guest.cli('send', peerId, 'no more', '--wait', 'delivered', '--timeout', '2000')
    expect(refused.code).not.toBe(0)
    expect((await host.journal()).filter(({ text }) => text.endsWith('\nno more'))).toEqual([])

    expect(await host.mesh('status')).toMatchObject({ peerId, startedAt, peers: 1 })
    await guest.stop()
    await configure({ inboundTarget: 'owner' })
  })

  it('S-32: what the schema lets through and the rules refuse changes nothing and is said in the log', async () => {
    const { startedAt } = await host.mesh<{ startedAt: string }>('status')
    const from = host.gateway.log().length
    await configure({ dmPolicy: 'open' })
    await host.gateway.waitForLog(/Settings refused, those before stay in force: .*dmPolicy is "open"/, { from })
    expect((await host.mesh<{ issues: string[] }>('status')).issues).toEqual([
      expect.stringMatching(/^The settings are refused, those before stay in force: .*dmPolicy is "open"/)
    ])
    await configure({ dmPolicy: 'pairing' })
    expect(await host.mesh('status')).toMatchObject({ startedAt })
  })

  it('a change of any other setting restarts the mesh alone', async () => {
    const { peerId, startedAt } = await host.mesh<{ peerId: string; startedAt: string }>('status')
    const { pid } = host.gateway
    const from = host.gateway.log().length
    await configure({ meshTopic: 'another-topic' })
    await host.gateway.waitForLog(/Node started\. Peer ID: /, { from })
    await host.gateway.waitForLog(/Peer connected: /, { from })
    const after = await host.mesh<{ peerId: string; startedAt: string }>('status')
    expect(after.peerId).toBe(peerId)
    expect(after.startedAt).not.toBe(startedAt)
    expect(host.gateway.pid).toBe(pid)
  })
})

describe('the engine thread', () => {
  it('S-33: a throw in a libp2p callback ends only the engine, which is back within 3 s with nothing lost', async () => {
    const { peerId } = await host.mesh<{ peerId: string }>('status')
    const plant = join(sandbox.root, 'gate', 'tmp', 'plant')
    const { pid } = host.gateway
    await writeFile(plant, '')
    const from = host.gateway.log().length
    // Sent while the engine dies: accepted at the friend, so it must arrive.
    const sends = Array.from(
      { length: 20 },
      async (_, index) => await friend.cli('send', peerId, `survivor ${index}`, '--wait', 'received', '--timeout', '0')
    )
    const ended = await host.gateway.waitForLog(/Engine ended: planted throw in a socket callback/, { from })
    const diedAt = performance.now()
    expect(ended.index).toBeGreaterThan(0)
    await host.gateway.waitForLog(/Node started\. Peer ID: /, { from: from + ended.index })
    const downMs = performance.now() - diedAt
    process.stdout.write(`engine back after ${Math.round(downMs)} ms\n`)
    expect(downMs).toBeLessThan(3_000)
    await Promise.all(sends)
    await until(
      'the display of all twenty',
      async () => {
        const shown = (await host.journal()).filter(({ event, text }) => event === 'sent' && /survivor \d+$/.test(text))
        return new Set(shown.map(({ text }) => text)).size === 20 ? true : undefined
      },
      60_000
    )
    expect(host.gateway.pid).toBe(pid)
    const status = (await host.gateway.rpc('channels.status', { probe: true })) as {
      channelAccounts: Record<string, { running?: boolean; engine?: { restarts: number } }[]>
    }
    expect(status.channelAccounts.fakechat?.[0]?.running).toBe(true)
    expect(status.channelAccounts['libp2p-mesh']?.[0]?.engine?.restarts).toBeGreaterThan(0)
  })

  it('SIGTERM while a tool waits for an answer ends the gateway within 5 s', async () => {
    host.model.reply(({ toolResults }) =>
      toolResults.length > 0
        ? { text: 'then not' }
        : {
            toolCalls: [
              {
                name: 'p2p_send_instance_message',
                args: { instanceId: friend.instanceId, message: 'never answered', waitFor: 'answered' }
              }
            ]
          }
    )
    const run = host.gateway.cli(['agent', '--agent', 'main', '--message', 'Ask and wait.'])
    await friend.waitFor(({ event, text }) => event === 'message' && text === 'never answered')
    const endMs = await host.gateway.sigterm()
    process.stdout.write(`gateway gone after ${Math.round(endMs)} ms\n`)
    expect(endMs).toBeLessThan(5_000)
    await run
  })
})
