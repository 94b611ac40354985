import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Peer } from '../../src/control/methods.ts'
import { formerPeer, instancePeerFile, peerIdFileOf } from '../store/predecessor-files.ts'
import { spawnBareNode } from './harness/bare-node.ts'
import { createStage, type Stage } from './harness/stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await createStage()
})

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]()
})

/** The state directory of a node of this name, as the predecessor left it. */
async function left(name: string, files: Record<string, string>): Promise<string> {
  const directory = join(await stage.sandbox.folder(name, 'state'), 'libp2p')
  await mkdir(directory, { mode: 0o755 })
  for (const [file, text] of Object.entries(files)) await writeFile(join(directory, file), text, { mode: 0o644 })
  return directory
}

describe('a node in the state directory of the predecessor', () => {
  it('D-25: keeps its peer id, and dials a known peer where it was, once it is approved', async () => {
    const former = await formerPeer('former')
    const friend = await stage.start('friend')
    const multiaddrs = ['/ip4/127.0.0.1/tcp/1', ...friend.addresses]
    const route = { peerId: friend.peerId, instanceName: 'an-old-name', multiaddrs, lastSeenAt: 1_782_630_000_000 }
    const files = { 'peer-id.json': peerIdFileOf(former), 'instance-peer.json': instancePeerFile([route]) }
    const directory = await left('upgraded', files)

    const node = await stage.start('upgraded')
    expect(node.peerId).toBe(former.peerId)
    expect(await node.ask<Peer[]>(['peers'])).toMatchObject([
      { peerId: friend.peerId, name: 'an-old-name', trust: 'unknown', path: null }
    ])
    expect(await readdir(directory)).not.toContain('instance-peer.json')
    expect(await readFile(join(directory, 'instance-peer.json.predecessor'), 'utf8')).toBe(files['instance-peer.json'])
    expect(await readFile(join(directory, 'peer-id.json'), 'utf8')).toBe(files['peer-id.json'])
    expect(((await stat(join(directory, 'peer-id.json'))).mode & 0o777).toString(8)).toBe('600')
    for (const line of [
      'took over the identity of the earlier version',
      'the route file of the earlier version is set aside'
    ])
      expect(node.stderr()).toContain(line)

    // The approval may come days and restarts later.
    await node.stop()
    const again = await stage.start('upgraded')
    expect(again.peerId).toBe(former.peerId)
    await friend.ask(['approve', again.instanceId])
    await again.ask(['approve', friend.peerId])
    await Promise.all([stage.connected(again, friend), stage.connected(friend, again)])
    await Promise.all([again.stop(), friend.stop()])
    const { instances } = JSON.parse(await readFile(join(directory, 'instance-peer.json'), 'utf8'))
    const fingerprint = friend.instanceId.slice(friend.instanceId.indexOf('@') + 1)
    expect(instances).toEqual({ [fingerprint]: expect.objectContaining({ peer: friend.peerId, label: 'friend' }) })
  })

  it('D-9: does not start on a key that it cannot read, says which file and what to do, and makes no other', async () => {
    const directory = await left('broken', { 'peer-id.json': '{"protobuf":"AAAA"}' })
    const { process, stderr } = await spawnBareNode(stage.sandbox, { name: 'broken' })
    const code = await new Promise(resolve => process.once('close', resolve))
    expect(code).toBe(1)
    expect(stderr()).toContain(join(directory, 'peer-id.json'))
    expect(stderr()).toMatch(/Restore this file from a backup; or, .*move it away/)
    expect(existsSync(join(directory, 'identity.key'))).toBe(false)
  })
})
