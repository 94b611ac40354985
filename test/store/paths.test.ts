import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openStore } from '../../src/store/index.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { temporaryDirectory } from './temporary.ts'

/** What a peer may call itself, its messages and its topics, if it wants to be a file. */
const NAMES = [
  '../../x',
  '..',
  '/etc/passwd',
  'a\0b',
  'CON',
  'nul.txt',
  'C:\\x',
  '\\\\host\\share',
  '~/x',
  '$(touch x)',
  'x'.repeat(10_000),
  '__proto__',
  'constructor'
]

function everyFile(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).toSorted()
}

it('S-18, S-27: no name that a peer gives becomes a file or a property', async () => {
  const outside = temporaryDirectory()
  const dir = join(outside, 'state')
  const store = openStore({ dir, log: new FakeLog(), clock: new FakeClock() })
  const files = everyFile(outside)
  const frozen = JSON.stringify(Object.getOwnPropertyNames(Object.prototype).toSorted())
  const { instance, peer } = new FakeInstance('ana')
  for (const [index, name] of NAMES.entries()) {
    store.routes.save([{ instance, peer, label: name, addresses: [name], seq: index + 1, lastSeenMs: 1 }])
    await store.routes.flush()
    store.setValue(`heard ${name}`, name)
    expect(store.value(`heard ${name}`)).toBe(name)
    store.contacts.put({
      instance: name,
      direction: 'incoming',
      state: 'pending',
      peer: name,
      label: name,
      purpose: name,
      address: name,
      createdMs: 1
    })
    expect(store.contacts.get(name, 'incoming')?.purpose).toBe(name)
  }
  expect(everyFile(outside).filter(file => !files.includes(file) && !file.endsWith('instance-peer.json'))).toEqual([])
  expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype).toSorted())).toBe(frozen)
  await store.close()
  expect(everyFile(outside).every(file => file === 'state' || file.startsWith(join('state', 'libp2p')))).toBe(true)
})

it('S-18: a link in the place of the route file is not followed', async () => {
  const outside = temporaryDirectory()
  const target = join(outside, 'precious')
  writeFileSync(target, 'precious')
  const dir = join(outside, 'state')
  mkdirSync(join(dir, 'libp2p'), { recursive: true, mode: 0o700 })
  symlinkSync(target, join(dir, 'libp2p', 'instance-peer.json'))
  symlinkSync(target, join(dir, 'libp2p', 'instance-peer.json.tmp'))
  const store = openStore({ dir, log: new FakeLog(), clock: new FakeClock() })
  const { instance, peer } = new FakeInstance('ana')
  const save = async (): Promise<void> => {
    store.routes.save([{ instance, peer, label: 'ana', addresses: [], seq: 1, lastSeenMs: 1 }])
    await store.routes.flush()
  }
  await expect(save()).rejects.toMatchObject({ code: 'store_failed' })
  // The link is gone, and the next time there is a file.
  await save()
  await store.close()
  expect(readFileSync(target, 'utf8')).toBe('precious')
  expect(lstatSync(join(dir, 'libp2p', 'instance-peer.json')).isFile()).toBe(true)
})
