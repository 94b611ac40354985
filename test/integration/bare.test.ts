import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Peer, SendResult, Status } from '../../src/control/methods.ts'
import { controlSocketPath } from '../../src/control/socket.ts'
import { type BareNode, BIN, type Ended, runBin, runToEnd } from './harness/bare-node.ts'
import { createStage, READY_MAX_MS, REFUSED_MAX_MS, SHOUT, type Stage } from './harness/stage.ts'

/** Starts that are timed, where the first ones met other work. */
const STARTS_MAX = 12

let stage: Stage

beforeAll(async () => {
  stage = await createStage()
})

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]()
})

describe('two bare nodes', () => {
  let alice: BareNode
  let bob: BareNode

  beforeAll(async () => {
    bob = await stage.start('bob', { replyCommand: SHOUT })
    alice = await stage.start('alice', { bootstrapList: bob.addresses })
    await stage.pair(alice, bob)
  })

  afterAll(async () => {
    await Promise.all([alice?.stop(), bob?.stop()])
  })

  it('are ready within two seconds and say who they are', async () => {
    // What else the machine does makes a start slower, never quicker: the quickest of a few counts.
    const readyMs = [alice.readyMs, bob.readyMs]
    while (Math.min(...readyMs) > READY_MAX_MS && readyMs.length < STARTS_MAX) {
      const another = await stage.start(`start-${readyMs.length}`)
      readyMs.push(another.readyMs)
      await another.stop()
    }
    expect(Math.min(...readyMs)).toBeLessThanOrEqual(READY_MAX_MS)
    expect(alice.events.all[0]).toEqual({
      event: 'ready',
      peerId: alice.peerId,
      instanceId: alice.instanceId,
      addresses: alice.addresses
    })
    expect(alice.instanceId).toMatch(/^alice@([a-z2-7]{4}-){5}[a-z2-7]{4}$/)
    for (const address of alice.addresses)
      expect(address).toMatch(new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/\\d+/p2p/${alice.peerId}$`))
    const status = await alice.ask<Status>(['status'])
    expect(status).toMatchObject({
      peerId: alice.peerId,
      instanceId: alice.instanceId,
      addresses: alice.addresses,
      reachability: 'private',
      peers: 1,
      issues: [],
      pendingSettings: []
    })
  })

  it('list each other', async () => {
    const peers = await alice.ask<Peer[]>(['peers'])
    expect(peers).toHaveLength(1)
    expect(peers[0]).toMatchObject({
      instanceId: bob.instanceId,
      peerId: bob.peerId,
      name: 'bob',
      trust: 'paired',
      path: 'lan',
      queued: 0
    })
    expect(Object.keys(peers[0] ?? {})).toEqual([
      'instanceId',
      'peerId',
      'name',
      'trust',
      'path',
      'rttMs',
      'lastSeenAt',
      'queued'
    ])
    const { stdout } = await alice.run('peers')
    expect(stdout.split('\n')[1]).toMatch(/^bob +[a-z2-7-]{29} {2}paired {2}lan /)
  })

  it('send by instance id, peer id and name, and wait for each level', async () => {
    const targets = [bob.instanceId, bob.peerId, 'bob', bob.instanceId.slice(bob.instanceId.indexOf('@') + 1)]
    const waits = ['received', 'delivered', 'answered', 'delivered']
    for (const [index, target] of targets.entries()) {
      const text = `to ${index}`
      const wait = waits[index] ?? 'delivered'
      const sent = await alice.ask<SendResult>(['send', target, text, '--wait', wait])
      expect(Object.keys(sent).slice(0, 5)).toEqual(['id', 'level', 'path', 'ms', 'reply'])
      expect(sent).toMatchObject({
        path: 'lan',
        reply: wait === 'answered' ? `TO ${index}` : null,
        to: { peerId: bob.peerId }
      })
      expect(['received', 'delivered', 'answered'].indexOf(sent.level)).toBeGreaterThanOrEqual(
        ['received', 'delivered', 'answered'].indexOf(wait)
      )
      const message = await stage.received(bob, text)
      expect(Object.keys(message)).toEqual([
        'event',
        'id',
        'fromPeerId',
        'fromInstanceId',
        'conversation',
        'inReplyTo',
        'text',
        'mayRepeat'
      ])
      expect(message).toMatchObject({
        id: sent.id,
        fromPeerId: alice.peerId,
        fromInstanceId: alice.instanceId,
        inReplyTo: null,
        mayRepeat: false
      })
    }
  })

  it('print a reply that nobody waited for', async () => {
    const { id } = await alice.ask<SendResult>(['send', 'bob', 'late one', '--wait', 'received'])
    const reply = await stage.received(alice, 'LATE ONE')
    expect(reply).toMatchObject({ fromInstanceId: bob.instanceId, inReplyTo: id })
    const asked = await alice.ask<SendResult>(['send', 'bob', 'early one', '--wait', 'answered'])
    await stage.received(alice, 'EARLY ONE')
    expect(asked.reply).toBe('EARLY ONE')
    const twice = alice.events.all.filter(({ text }) => text === 'LATE ONE' || text === 'EARLY ONE')
    expect(twice).toHaveLength(2)
  })

  it('take the text from standard input', async () => {
    const script = `printf 'from a pipe\\nwith two lines\\n' | "$0" "$@"`
    const { code, stdout } = await runToEnd(stage.sandbox, 'sh', [
      '-c',
      script,
      process.execPath,
      BIN,
      'send',
      'bob',
      '-',
      '--state',
      alice.stateDir,
      '--json'
    ])
    expect({ code, level: JSON.parse(stdout).level }).toEqual({ code: 0, level: 'delivered' })
    await stage.received(bob, 'from a pipe\nwith two lines')
  })

  it('give up waiting with 3 after the timeout, and the message goes on', async () => {
    const slow = await alice.ask<SendResult>(['send', 'bob', 'slow', '--wait', 'answered', '--timeout', '0'], 3)
    expect(slow.level).not.toBe('answered')
    await stage.received(alice, 'SLOW')
  })

  it('broadcast to each other', async () => {
    const { id, recipients, topic } = await alice.ask<{ id: string; recipients: number; topic: string }>([
      'broadcast',
      'hello all'
    ])
    expect({ recipients, topic }).toEqual({ recipients: 1, topic: 'openclaw-mesh' })
    expect(await bob.events.next('broadcast')).toEqual({
      event: 'broadcast',
      id,
      topic,
      fromPeerId: alice.peerId,
      fromInstanceId: alice.instanceId,
      text: 'hello all'
    })
  })

  const failures: [string, string[], number, RegExp][] = [
    [
      'an unknown target',
      ['send', 'carol', 'hi'],
      1,
      /^Nobody here is known as "carol"; see libp2p-mesh --state \S+ peers, /
    ],
    ['the instance itself', ['send', 'SELF', 'hi'], 2, /^"alice@[a-z2-7-]{29}" is this instance itself/],
    ['an empty text', ['send', 'bob', ''], 2, /^<text> of send is empty/],
    ['a missing text', ['send', 'bob'], 2, /^send needs <text>/],
    ['an unknown level', ['send', 'bob', 'hi', '--wait', 'read'], 2, /^--wait is "read"/],
    ['a text that is too long', ['send', 'bob', 'x'.repeat(32 * 1024 + 1)], 1, /^The text is too long/],
    ['a malformed instance id', ['approve', 'bob@not-an-id'], 1, /./],
    ['an unknown command', ['sned'], 2, /^"sned" is no command/]
  ]
  for (const [what, words, code, sentence] of failures) {
    it(`say ${what} in one sentence and exit with ${code}`, async () => {
      for (const json of [[], ['--json']]) {
        const result = await alice.run(...words.map(word => (word === 'SELF' ? alice.instanceId : word)), ...json)
        expect(result).toMatchObject({ code, stdout: '' })
        expect(result.stderr).toMatch(sentence)
        expect(result.stderr).toMatch(/^[^\n]+\n$/)
      }
    })
  }

  it('refuse a second process on the same state directory within a second', async () => {
    const second = (): Promise<Ended> => runBin(stage.sandbox, ['node', '--state', alice.stateDir])
    const tries = [await second(), await second()]
    for (const { code, stdout, stderr } of tries) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^The state directory is in use by another process [^\n]+\n$/)
    }
    expect(Math.min(...tries.map(({ ms }) => ms))).toBeLessThanOrEqual(REFUSED_MAX_MS)
    expect((await alice.ask<Status>(['status'])).peerId).toBe(alice.peerId)
  })

  it('go on when a client of the control socket talks nonsense', async () => {
    const socket = connect(controlSocketPath(alice.stateDir))
    socket.on('error', () => {})
    const closed = new Promise(resolve => socket.on('close', resolve))
    socket.write('{"t":"call"\n\u0000')
    await closed
    expect((await alice.ask<Status>(['status'])).peers).toBe(1)
  })

  it('stop talking at once when one blocks the other, and again when it lifts that', async () => {
    expect(await bob.ask(['trust', 'alice', 'blocked'])).toMatchObject({
      trust: 'blocked',
      before: 'paired',
      connected: false
    })
    await alice.events.next('peer', ({ state }) => state === 'disconnected')
    const { code, stderr } = await bob.run('send', 'alice', 'hi')
    expect(code).toBe(1)
    expect(stderr).toMatch(/ is blocked here; to lift that, run: libp2p-mesh --state \S+ trust \S+ paired\n$/)
    expect(await bob.ask(['trust', alice.instanceId, 'paired'])).toMatchObject({ trust: 'paired', before: 'blocked' })
    await Promise.all([stage.connected(alice, bob), stage.connected(bob, alice)])
  })

  it('leave nothing on standard output but events', () => {
    for (const node of [alice, bob]) expect(node.events.strays).toEqual([])
    expect(alice.stderr()).toContain(`[libp2p-mesh] Node started. Peer ID: ${alice.peerId}\n`)
    expect(bob.stderr()).not.toContain('from a pipe')
  })
})
