import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ControlClient } from '../../src/control/client.ts'
import type { Result } from '../../src/control/methods.ts'
import { connectControl } from '../../src/control/socket.ts'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import type { CliResult } from './harness/cli.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { type MeshGateway, pair, startMeshGateway } from './mesh-gateway.ts'

const MINUTE_MS = 60_000
const DAY_MINUTES = 24 * 60

let sandbox: Sandbox
let host: MeshGateway
let friend: BareNode
let control: ControlClient
/** Admitted, and gone. */
let away: BareNode
let gate: { peerId: string; instanceId: string }

beforeAll(async () => {
  sandbox = await createSandbox('mesh-owner')
  ;[friend, away] = await Promise.all([startBareNode(sandbox, 'friend'), startBareNode(sandbox, 'away')])
  control = await connectControl(await sandbox.folder('friend', 'state'))
  sandbox.defer(async () => await control.close())
  host = await startMeshGateway(sandbox, {
    name: 'gate',
    settings: {
      bootstrapList: [friend, away].map(({ addresses }) => addresses[0]),
      inboundChannel: 'fakechat',
      inboundTarget: 'owner'
    }
  })
  for (const node of [friend, away]) await pair(host, node)
  await away.stop()
  const { peerId, instanceId } = await host.mesh<Result<'status'>>('status')
  gate = { peerId, instanceId }
})

afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
})

async function run(...args: string[]): Promise<CliResult> {
  const result = await host.gateway.cli(args)
  // The host says there too how slow its disk is.
  expect({ args, ...result }).toMatchObject({ code: 0, stderr: expect.not.stringContaining('libp2p') })
  return result
}

async function fromFriend(text: string): Promise<string> {
  return (await control.call('send', { target: gate.peerId, text, waitFor: 'delivered', timeoutMs: 60_000 })).id
}

describe('openclaw p2p', () => {
  it('R-08 S2.33 S2.47: send --expires, outbox, inbox list, show and read: what waits and until when, what came in, and each of them in full', async () => {
    const came = await fromFriend('The first line\nand the second one.')
    const args = ['p2p', 'send', away.instanceId, 'See you\tat four,\nor later.', '--expires', '1d', '--timeout', '0']
    const sent = await host.gateway.cli(args)
    expect(sent).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/^pending after \d+ ms\nto {2}away@\S+\nid {2}[0-9a-f]{32}\n$/),
      stderr: expect.stringContaining('goes on by itself, so do not send it again.')
    })
    const [id = ''] = /[0-9a-f]{32}/.exec(sent.stdout) ?? []
    const { waiting } = await host.mesh<Result<'outbox'>>('outbox', { limit: 2 })
    expect(waiting).toMatchObject([{ id, state: 'queued' }])
    // From the call on; the row comes a moment later.
    const lives = waiting.map(({ createdAt, expiresAt }) => Date.parse(expiresAt) - Date.parse(createdAt))
    expect(lives.map(life => Math.round(life / MINUTE_MS))).toEqual([DAY_MINUTES])

    const [list, message, inbox, inbound, read] = await Promise.all([
      run('p2p', 'outbox'),
      run('p2p', 'outbox', 'show', id),
      run('p2p', 'inbox', 'list'),
      run('p2p', 'inbox', 'show', came.slice(0, 8)),
      run('p2p', 'inbox', 'read')
    ])
    expect(list.stdout).toMatch(
      /^Waiting: 1\.\nTO +ID +STATE +SENT +EXPIRES\naway +[0-9a-f]{32} +queued +20.* 20.*\n\n/
    )
    expect(message.stdout).toMatch(new RegExp(`^id +${id}\nto +${away.instanceId}\nstate +queued\n`))
    expect(message.stdout).toMatch(/\n\nText:\n {2}See you {4}at four,\n {2}or later\.\n$/)
    expect(inbox.stdout).toMatch(/\nfriend .* done +[0-9a-f]{8} +The first line and .*\n/)
    expect(inbound.stdout).toMatch(new RegExp(`^id +${came}\nfrom +${friend.instanceId}\n`))
    expect(inbound.stdout).toMatch(/\n\nThe first line\nand the second one\.\n$/)
    expect(read.stdout).toBe('Nothing new.\n')
  })
})

describe('openclaw backup', () => {
  it('S2.41: is made while messages come in; restored, it is the same instance with its messages, and lets nobody in until its owner approves again', async () => {
    const archive = join(sandbox.root, 'backup.tar.gz')
    const created = run('backup', 'create', '--output', archive, '--verify', '--json')
    let saved = false
    const end = (): void => {
      saved = true
    }
    created.then(end, end)
    let texts = 0
    while (!saved) await fromFriend(`while it was saved ${++texts}`)
    // It warns of nothing that lies beside the database.
    expect(JSON.parse((await created).stdout)).toMatchObject({ verified: true })
    await fromFriend('after it was saved')
    const target = join(sandbox.root, 'restored')
    await run('backup', 'restore', archive, '--target', target, '--json')
    const files = await readdir(target, { recursive: true })
    const mesh = files.find(path => path.endsWith('/state/libp2p')) ?? expect.fail('nothing of the mesh was saved')
    // The database as one file, what stands beside it, and nothing that belongs to a process.
    expect(files.filter(path => path.startsWith(`${mesh}/`)).map(path => path.slice(mesh.length + 1))).toEqual(
      expect.arrayContaining(['commits', 'epoch', 'identity.key', 'mesh.sqlite'])
    )
    expect(files.filter(path => /mesh\.sqlite.|control\.sock/.test(path))).toEqual([])

    await host.gateway.sigterm()
    await rm(host.gateway.stateDir, { recursive: true })
    await cp(join(target, mesh, '..'), host.gateway.stateDir, { recursive: true })
    const from = host.gateway.log().length
    await host.gateway.start()
    await host.gateway.waitForLog(/Node started\. Peer ID: /, { from })
    expect(await host.mesh('status')).toMatchObject({ ...gate, issues: [], outbox: { waiting: 1 } })
    const inbox = await host.mesh<Result<'messages'>>('messages', { limit: 200 })
    expect(inbox.filter(({ text }) => text.startsWith('while it was saved')).length).toBeGreaterThan(0)
    expect(inbox.filter(({ text }) => text === 'after it was saved')).toEqual([])
    expect((await host.mesh<Result<'notices'>>('notices')).map(({ text }) => text)).toEqual([
      expect.stringMatching(/came from an older copy, and the 2 peers that it lets in wait until you approve again/)
    ])
    const peers = await host.mesh<Result<'peers'>>('peers')
    expect(peers.map(({ trust }) => trust)).toEqual(['unknown', 'unknown'])
    // It was let in before the copy was made, so what it says now waits for the owner of the other side.
    const waits = await control.call('send', { target: gate.peerId, text: 'let me in', timeoutMs: 5_000 })
    expect(waits).toMatchObject({ level: 'pending' })
    await host.mesh('approve', { who: friend.peerId })
    await fromFriend('here again')
    for (const said of ['let me in', 'here again'])
      expect(
        (await host.journal()).filter(({ event, text }) => event === 'sent' && text.endsWith(`\n${said}`))
      ).toHaveLength(1)
  })
})
