import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { readSigned } from '../vectors/reference/envelope.mjs'
import { owned, type Scene, useScene } from './scene.ts'

const WAIT = { timeout: 15_000, interval: 20 }

/** ESC sequences, OSC 8 and 52, C1, BEL, line ends of all kinds, bidi, tags, zero width. */
const NASTY =
  '\u001b[2J\u001b]52;c;aGk=\u0007\u001b]8;;http://x\u001b\\ \u009b31m\r\n[libp2p-mesh] error: forged \u2028\u202e\u2066\u{e0041}\u200b\u0000'

/** What must not reach a terminal or a log, but line feeds. */
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** Files of a state directory that come and go by themselves. */
const OWN_FILES = /(mesh\.sqlite-(wal|shm)|instance-peer\.json(\..*)?)$/

let scene: Scene
useScene(created => {
  scene = created
})

it('S-17: no string of a peer forges a line of the log or of a table, or reaches the terminal as a command', async () => {
  const { victim } = scene
  const stranger = await scene.attacker()
  expect(await stranger.ask(victim.node, 'contact', { label: NASTY, purpose: NASTY })).toMatchObject({
    accepted: false
  })
  const { mallory, link } = await scene.paired({ label: NASTY })
  const content = mallory.content(victim.node, NASTY)
  link.send(mallory.seal(content), mallory.route(victim.node, { seq: 1, label: NASTY }))
  await link.told(content.id, 'delivered none')
  expect(scene.shown(NASTY)).toHaveLength(1)
  for (const words of [['requests'], ['peers'], ['nearby'], ['inbox'], ['status']]) {
    const { code, stdout, stderr } = await victim.node.run(...words)
    expect({ words, code, unsafe: UNSAFE.exec(stdout + stderr)?.[0] }).toEqual({ words, code: 0, unsafe: undefined })
    expect(stdout).not.toMatch(/^\[libp2p-mesh\]/m)
  }
  expect(UNSAFE.exec(victim.node.stderr())).toBeNull()
  expect(scene.log().filter(line => line.includes('forged'))).toEqual([])
  await victim.call('reject', { who: stranger.peerId })
})

it('S-18: no string of a peer becomes a path', async () => {
  const { victim } = scene
  const root = join(victim.node.stateDir, '..', '..')
  const files = (): string[] =>
    readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(path => !OWN_FILES.test(path))
  const before = files()
  const routes = join(victim.node.stateDir, 'libp2p', 'instance-peer.json')
  let last = ''
  const paths = ['planted', '../../planted', '/tmp/planted', 'CON', `a\0b`, 'x'.repeat(199), '~/planted', '..\\planted']
  for (const [index, path] of paths.entries()) {
    const stranger = await scene.attacker()
    // What does not keep the rules of a request is reset; the rest waits for the owner.
    const answer = await stranger.ask(victim.node, 'contact', { label: path, purpose: path })
    expect([path, answer]).not.toEqual([path, expect.objectContaining({ accepted: true })])
    if (index < 4) {
      const { mallory, link } = await scene.paired({ label: path })
      const content = mallory.content(victim.node, path)
      link.send(mallory.seal(content), mallory.route(victim.node, { seq: 1, label: path }))
      await link.told(content.id, 'delivered none')
      last = mallory.fingerprint
    }
    await victim.call('reject', { who: stranger.peerId }).catch(() => undefined)
  }
  // Routes are written some seconds after they were learnt.
  await vi.waitFor(() => expect(readFileSync(routes, 'utf8')).toContain(last), WAIT)
  expect(files().filter(path => !before.includes(path))).toEqual([])
})

it('S-28: a label that another bears, or one that looks like it, never gets a text that was meant for that one', async () => {
  const { victim, stage } = scene
  const friend = await owned(await stage.start('scope', { bootstrapList: victim.node.addresses }))
  await victim.call('approve', { who: friend.node.peerId })
  await friend.call('approve', { who: victim.node.peerId })
  await stage.connected(victim.node, friend.node)
  const texts = (): unknown[] =>
    friend.node.events.all.filter(({ event }) => event === 'message').map(({ text }) => text)
  await victim.call('send', { target: 'scope', text: 'to the only one', waitFor: 'delivered', timeoutMs: 10_000 })
  expect(texts()).toEqual(['to the only one'])

  const nameOf = async (peer: string): Promise<string> =>
    (await victim.call('peers', {})).find(({ peerId }) => peerId === peer)?.name ?? ''
  // All Cyrillic; with capitals; the same.
  for (const label of ['ѕсоре', 'SCOPE', 'scope']) {
    const { mallory, link } = await scene.paired({ label })
    await vi.waitFor(async () => expect(await nameOf(mallory.peerId)).toContain(label), WAIT)
    expect(await nameOf(mallory.peerId)).toBe(`${label} (${mallory.fingerprint.slice(0, 9)})`)
    const params = { target: 'scope', text: `beside ${label}`, waitFor: 'delivered', timeoutMs: 10_000 } as const
    await expect(victim.call('send', params)).rejects.toMatchObject({
      code: 'ambiguous_target',
      details: { candidates: expect.arrayContaining([friend.node.instanceId, `${label}@${mallory.fingerprint}`]) }
    })
    expect(link.envelopes.filter(({ signed }) => readSigned(signed).kind === 'message')).toEqual([])
    await victim.call('forget', { who: mallory.peerId })
  }
  await victim.call('send', { target: 'scope', text: 'alone again', waitFor: 'delivered', timeoutMs: 10_000 })
  expect(texts()).toEqual(['to the only one', 'alone again'])
  await friend.close()
  await friend.node.stop()
})
