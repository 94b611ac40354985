import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BareNode } from './harness/bare-node.ts'
import { createStage, type Stage } from './harness/stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await createStage()
})

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]()
})

describe('a ticket between two processes', () => {
  let issuer: BareNode
  let guest: BareNode

  beforeAll(async () => {
    issuer = await stage.start('issuer')
    guest = await stage.start('guest')
  })

  it('pairs both within 3 s of the paste, over an encrypted connection, and both may write', async () => {
    const { ticket, expiresAt } = await issuer.ask<{ ticket: string; expiresAt: string }>([
      'invite',
      '--name',
      'visitor'
    ])
    expect(Object.keys(await issuer.ask<object>(['invite'])).toSorted()).toEqual(['expiresAt', 'ticket'])
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now())
    const pasted = ticket.toUpperCase().replace(/(.{40})/g, '$1\n')
    const startedMs = performance.now()
    const joined = await guest.ask(['join', pasted])
    const ms = performance.now() - startedMs
    expect(joined).toEqual({ peerId: issuer.peerId, instanceId: issuer.instanceId, trust: 'paired' })
    process.stdout.write(`paired after ${Math.round(ms)} ms\n`)
    expect(ms).toBeLessThan(3_000)
    expect(await issuer.ask(['send', 'visitor', 'welcome', '--wait', 'delivered'])).toMatchObject({
      level: 'delivered'
    })
    expect(await guest.ask(['send', issuer.peerId, 'thanks', '--wait', 'delivered'])).toMatchObject({
      level: 'delivered'
    })
    await issuer.events.next('notice', ({ text }) => String(text).startsWith('visitor ('))
  })

  it('spent, mistyped, of another version or none: one sentence each, nothing changed', async () => {
    const { ticket } = await issuer.ask<{ ticket: string }>(['invite'])
    const late = await stage.start('late')
    await guest.ask(['join', ticket])
    const last = ticket.at(-1) === 'a' ? 'b' : 'a'
    const wrong: [string, RegExp, number?][] = [
      [ticket, /was used already; ask its owner for a new one\.\n$/, 1],
      [ticket.slice(0, -1) + last, /^The ticket is mistyped or incomplete; /],
      [`mesh9${ticket.slice(5)}`, /^The ticket is of a version that this release does not know; /],
      ['please', /^This is no ticket: one starts with mesh1; /]
    ]
    for (const [text, sentence, expected = 2] of wrong) {
      const { code, stdout, stderr } = await late.run('join', text)
      expect({ code, stdout }).toEqual({ code: expected, stdout: '' })
      expect(stderr).toMatch(sentence)
    }
    expect(await late.ask(['peers'])).not.toContainEqual(expect.objectContaining({ trust: 'paired' }))
    await late.stop()
  })

  it('shows a picture, the ticket and what to do with it', async () => {
    const { code, stdout } = await issuer.run('invite', '--ttl', '1h')
    expect(code).toBe(0)
    expect(stdout).toMatch(/[▀▄█]/)
    expect(stdout).toMatch(/^mesh1[a-z2-7]+$/m)
    expect(stdout).toContain('libp2p-mesh --state <dir> join <ticket>')
    for (const args of [
      ['--ttl', '5'],
      ['--ttl', '1s'],
      ['--ttl', '8d'],
      ['--uses', '0'],
      ['--uses', 'many'],
      ['--name', '']
    ]) {
      const { code, stdout, stderr } = await issuer.run('invite', ...args)
      expect({ args, code, stdout }).toEqual({ args, code: args[0] === '--name' ? code : 2, stdout: '' })
      expect(stderr.trim().split('\n')).toHaveLength(1)
    }
  })
})

describe('a contact request between two processes', () => {
  it('S2.4-S2.9: is found, asked, shown with its purpose, approved, and both may write', async () => {
    const host = await stage.start('host')
    const seeker = await stage.start('seeker', { bootstrapList: host.addresses })
    // It is ready before it has met anybody.
    const found = async () => (await seeker.ask<{ peerId: string }[]>(['nearby'])).map(({ peerId }) => peerId)
    await expect.poll(found).toEqual([host.peerId])
    const asked = await seeker.ask(['request', host.instanceId, '--purpose', 'the build machine'], 3)
    expect(asked).toMatchObject({ state: 'pending', peerId: host.peerId })
    expect(await host.ask(['requests'])).toMatchObject([
      { direction: 'incoming', peerId: seeker.peerId, purpose: 'the build machine' }
    ])
    await host.ask(['approve', seeker.instanceId])
    await seeker.events.next('peer', ({ state }) => state === 'connected')
    expect(await seeker.ask(['send', host.peerId, 'hi', '--wait', 'delivered'])).toMatchObject({ level: 'delivered' })

    await host.ask(['trust', seeker.peerId, 'blocked'])
    const blockedMs = performance.now()
    await seeker.events.next('peer', ({ state }) => state === 'disconnected')
    expect(performance.now() - blockedMs).toBeLessThan(1_000)
    await host.ask(['forget', seeker.peerId])
    expect(await host.ask(['peers'])).not.toContainEqual(
      expect.objectContaining({ peerId: seeker.peerId, trust: 'paired' })
    )
    await Promise.all([host.stop(), seeker.stop()])
  })
})
