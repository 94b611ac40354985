import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { type MeshGateway, pair, startMeshGateway } from './mesh-gateway.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

let sandbox: Sandbox
let host: MeshGateway
let friend: BareNode
let tarball: string

beforeAll(async () => {
  sandbox = await createSandbox('mesh-update')
  const folder = await sandbox.folder('package')
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
  const { stdout } = await promisify(execFile)('npm', args, { cwd: CHECKOUT })
  tarball = join(folder, stdout.trim().split('\n').at(-1) ?? '')
  friend = await startBareNode(sandbox, 'friend')
  host = await startMeshGateway(sandbox, {
    name: 'gate',
    tarballs: [tarball],
    settings: { bootstrapList: [friend.addresses[0]] }
  })
  await pair(host, friend)
})

afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
})

describe('a hot update of the plugin while the gateway runs', () => {
  it('keeps the identity, and turns of peers are dispatched afterwards', async () => {
    host.model.reply(() => ({ text: 'still here' }))
    const before = await host.mesh<{ peerId: string }>('status')
    const { pid } = host.gateway
    const from = host.gateway.log().length
    const install = ['plugins', 'install', `npm-pack:${tarball}`, '--force', '--accept-capabilities']
    const { code, stdout, stderr } = await host.gateway.cli(install)
    expect({ code, output: `${stdout}${stderr}` }).toMatchObject({
      code: 0,
      output: expect.stringContaining('Applied')
    })
    await host.gateway.waitForLog(/Node started\. Peer ID: /, { from })
    await host.gateway.waitForLog(/Peer connected: /, { from })
    expect(host.gateway.pid).toBe(pid)
    expect(await host.mesh('status')).toMatchObject({ peerId: before.peerId })
    const sent = await friend.cli(
      'send',
      before.peerId,
      'are you there?',
      '--wait',
      'answered',
      '--timeout',
      '60000',
      '--json'
    )
    expect(JSON.parse(sent.stdout)).toMatchObject({ level: 'answered', reply: 'still here' })
  })
})
