import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import { createStage, type Stage } from './harness/stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await createStage()
})

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]()
})

describe('strangers', () => {
  it('are refused, and told what their owner has to do', async () => {
    const host = await stage.start('host')
    const guest = await stage.start('guest', { bootstrapList: host.addresses })
    const { code, stdout, stderr } = await guest.run('send', host.peerId, 'hi')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/ is not admitted here; to admit it, run: libp2p-mesh --state \S+ approve \S+\n$/)

    await guest.ask(['approve', host.peerId])
    const refused = await guest.run('send', host.peerId, 'hi', '--json')
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 1, stdout: '' })
    expect(refused.stderr).toContain(
      `has not admitted this instance yet; ask its owner to let it in there, with the command: approve ${guest.instanceId}\n`
    )
    expect(host.events.all.some(({ event }) => event === 'message')).toBe(false)
    await Promise.all([host.stop(), guest.stop()])
  })

  it('that are blocked are refused at the connection, and are told nothing', async () => {
    const keeper = await stage.start('keeper')
    const pest = await stage.start('pest')
    await keeper.ask(['trust', pest.peerId, 'blocked'])
    await pest.stop()
    const again = await stage.start('pest', { bootstrapList: keeper.addresses })
    await again.ask(['approve', keeper.peerId])
    const sent = await again.ask(['send', keeper.peerId, 'hi', '--timeout', '2500'], 3)
    expect(sent).toMatchObject({ level: 'pending', path: null })
    expect(await again.ask(['peers'])).toMatchObject([{ peerId: keeper.peerId, path: null }])
    const known = await keeper.ask<unknown[]>(['peers'])
    expect(known).toMatchObject([{ peerId: pest.peerId, trust: 'blocked', path: null, lastSeenAt: null }])
    await Promise.all([keeper.stop(), again.stop()])
  })

  it('can be named and blocked before they were ever met, but not written to', async () => {
    const early = await stage.start('early')
    const never = 'mfzw-izlb-onsw-i2lo-m5zg-k4tf'
    await early.ask(['approve', never, '--name', 'nobody'])
    const { code, stdout, stderr } = await early.run('send', 'nobody', 'hi', '--json')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^"nobody" was never met, so nobody knows where it is: bring both together once, .*\n$/)
    const blocked = { instanceId: never, peerId: null, trust: 'blocked', before: 'paired', connected: false }
    expect(await early.ask(['trust', 'nobody', 'blocked'])).toEqual(blocked)
    await early.stop()
  })

  it('of the same name are told apart', async () => {
    const hub = await stage.start('hub')
    const twins = [
      await stage.start('twin'),
      await startBareNode(stage.sandbox, { name: 'twin2', settings: { name: 'twin', bootstrapList: hub.addresses } })
    ]
    for (const twin of twins) await hub.ask(['approve', twin.peerId])
    const [one, two] = twins as [BareNode, BareNode]
    await one.stop()
    const oneAgain = await startBareNode(stage.sandbox, { name: 'twin', settings: { bootstrapList: hub.addresses } })
    for (const twin of [oneAgain, two]) {
      await twin.ask(['approve', hub.instanceId])
      await stage.connected(hub, twin)
    }
    const { code, stderr } = await hub.run('send', 'twin', 'hi')
    expect(code).toBe(1)
    const candidates = [one.instanceId, two.instanceId].toSorted().join(', ')
    expect(stderr).toBe(`"twin" fits 2 instances: ${candidates}. Name one of them in full.\n`)
    await hub.ask(['send', two.instanceId, 'hi'])
    await stage.received(two, 'hi')
    await Promise.all([hub.stop(), oneAgain.stop(), two.stop()])
  })
})
