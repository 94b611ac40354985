import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packTarball, unpackTarball } from '../../scripts/package/tarball.ts'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import type { CliResult } from './harness/cli.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { type MeshGateway, pair, startMeshGateway, until } from './mesh-gateway.ts'

/** Three commands of the host, each of which took up to 40 s on busy cores, and the turns in between. */
const REFUSAL_LIMIT_MS = 300_000

/** Later than any release that this repository will see. */
const NEXT_VERSION = '2999.1.1'

let sandbox: Sandbox
let host: MeshGateway
let friend: BareNode
let tarball: string
let nextTarball: string

beforeAll(async () => {
  sandbox = await createSandbox('mesh-update')
  const folder = await sandbox.folder('package')
  tarball = await packTarball(folder)
  const next = await unpackTarball(tarball, join(folder, 'next'))
  const manifest = JSON.parse(await readFile(join(next, 'package.json'), 'utf8')) as object
  await writeFile(join(next, 'package.json'), JSON.stringify({ ...manifest, version: NEXT_VERSION }))
  nextTarball = await packTarball(folder, next)
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

function install(file: string): Promise<CliResult> {
  return host.gateway.cli(['plugins', 'install', `npm-pack:${file}`, '--force', '--accept-capabilities'])
}

function status(): Promise<{ peerId: string; version: string; inbox: { open: number } }> {
  return host.mesh('status')
}

/** Resolves with what the friend is told in the end. */
async function ask(text: string): Promise<unknown> {
  const { peerId } = await status()
  const sent = await friend.cli('send', peerId, text, '--wait', 'answered', '--timeout', '120000', '--json')
  return JSON.parse(sent.stdout)
}

async function linkedAgain(from: number): Promise<void> {
  await host.gateway.waitForLog(/Node started\. Peer ID: /, { from })
  await host.gateway.waitForLog(/Peer connected: /, { from })
}

describe('a hot update of the plugin while the gateway runs', () => {
  it('keeps the identity, and turns of peers are dispatched afterwards', async () => {
    host.model.reply(() => ({ text: 'still here' }))
    const before = await status()
    const { pid } = host.gateway
    const from = host.gateway.log().length
    const { code, stdout, stderr } = await install(tarball)
    expect({ code, output: `${stdout}${stderr}` }).toMatchObject({
      code: 0,
      output: expect.stringContaining('Applied')
    })
    await linkedAgain(from)
    expect(host.gateway.pid).toBe(pid)
    expect(await status()).toMatchObject({ peerId: before.peerId })
    expect(await ask('are you there?')).toMatchObject({ level: 'answered', reply: 'still here' })
  })

  it(
    'is refused while a turn of a peer runs, which loses nothing, and `plugins reload` applies it afterwards',
    async () => {
      const before = await status()
      const { pid } = host.gateway
      const gate = Promise.withResolvers<void>()
      host.model.reply(async ({ userText }) => {
        await gate.promise
        return { text: `done: ${userText}` }
      })
      const first = ask('a long piece of work')
      await host.model.waitFor(({ userText }) => userText.includes('a long piece of work'))

      const refused = await install(nextTarball)
      const said = `${refused.stdout}${refused.stderr}`
      expect({ code: refused.code, said }).toMatchObject({
        code: 1,
        said: expect.stringContaining('still has active retained work; retry after the work finishes')
      })
      expect(said).toContain('openclaw plugins reload libp2p-mesh')
      expect(await status()).toMatchObject({ peerId: before.peerId, version: before.version })

      const second = ask('and another one')
      await until('the second message', async () => ((await status()).inbox.open === 2 ? true : undefined))
      gate.resolve()
      expect(await first).toMatchObject({ level: 'answered', reply: expect.stringContaining('a long piece of work') })
      expect(await second).toMatchObject({ level: 'answered', reply: expect.stringContaining('and another one') })

      const from = host.gateway.log().length
      const reloaded = await host.gateway.cli(['plugins', 'reload', 'libp2p-mesh'])
      expect({ code: reloaded.code, said: `${reloaded.stdout}${reloaded.stderr}` }).toMatchObject({ code: 0 })
      await linkedAgain(from)
      expect(host.gateway.pid).toBe(pid)
      expect(await status()).toMatchObject({ peerId: before.peerId, version: NEXT_VERSION })
      expect(await ask('are you the new one?')).toMatchObject({ level: 'answered' })
    },
    REFUSAL_LIMIT_MS
  )
})
