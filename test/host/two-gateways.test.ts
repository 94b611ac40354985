import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { type MeshGateway, startMeshGateway, until } from './mesh-gateway.ts'

let sandbox: Sandbox
let anna: MeshGateway
let ben: MeshGateway

beforeAll(async () => {
  sandbox = await createSandbox('mesh-pair')
  ;[anna, ben] = await Promise.all([
    startMeshGateway(sandbox, { name: 'anna' }),
    startMeshGateway(sandbox, { name: 'ben' })
  ])
  const [a, b] = await Promise.all([
    anna.mesh<{ peerId: string }>('status'),
    ben.mesh<{ peerId: string; addresses: string[] }>('status')
  ])
  await Promise.all([anna.mesh('approve', { who: b.peerId }), ben.mesh('approve', { who: a.peerId })])
  await anna.gateway.configure({ channels: { 'libp2p-mesh': { bootstrapList: b.addresses.slice(0, 1) } } })
  await until('the link', async () =>
    (await anna.mesh<{ peers: number }>('status').catch(() => ({ peers: 0 }))).peers > 0 ? true : undefined
  )
})

afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
})

describe('two agents that always answer', () => {
  it('S-23: stop after one exchange', async () => {
    anna.model.reply(({ userText }) => ({ text: `anna says: ${userText.length}` }))
    ben.model.reply(({ userText }) => ({ text: `ben says: ${userText.length}` }))
    const { peerId } = await ben.mesh<{ peerId: string }>('status')
    const result = await anna.mesh<{ level: string; reply: string }>('send', {
      target: peerId,
      text: 'shall we talk for ever?',
      waitFor: 'answered',
      timeoutMs: 60_000
    })
    expect(result).toMatchObject({ level: 'answered' })
    expect(result.reply).toMatch(/^ben says: /)
    // A second exchange in the other direction comes after anything that the first could have caused.
    const back = await anna.mesh<{ peerId: string }>('status')
    await ben.mesh('send', { target: back.peerId, text: 'and back', waitFor: 'answered', timeoutMs: 60_000 })
    expect(ben.model.requests).toHaveLength(1)
    expect(anna.model.requests).toHaveLength(1)
  })
})
